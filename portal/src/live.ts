// The live picture: totals from /api/v1/live, and the rates between two of them.
import { useEffect, useState } from 'preact/hooks';
import type { Health } from './api';

interface Route {
  listener: string; rule: string; pool: string; backendSettings: string; tunnels: number; opened: number; requests: number;
  clientErrors: number; serverErrors: number; messages: [number, number]; bytes: [number, number];
}
export interface LiveMember { pool: string; backendSettings: string; name: string; address: string; health: Health; requests: number; tunnels: number }
export interface Picture {
  time: string; ready: boolean; configurationVersion: number; connections: number; requests: number; tunnels: number; tunnelsOpened: number;
  responses: number[]; routes: Route[]; members: LiveMember[]; messages: [number, number]; bytes: [number, number];
  latency: { milliseconds: number[]; requests: number[] }; leftOut: number;
}

export interface RouteRate { key: string; listener: string; rule: string; pool: string; settings: string; tunnels: number; requests: number; messages: number; errors: number }

// One second of it.
export interface Second {
  at: number; tunnels: number; connections: number; requests: number; from_client: number; from_member: number;
  client_errors: number; server_errors: number; median: number | null; p99: number | null;
}

export interface Live {
  state: 'connecting' | 'open' | 'lost';
  picture: Picture | undefined;
  seconds: Second[];
  routes: RouteRate[];
}

export const seconds_kept = 180;

// Within its bucket a time is taken to lie in proportion; past the last bound it is that bound.
export function quantile(bounds: number[], counts: number[], share: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let left = share * all;
  for (let i = 0; i < counts.length; ++i) {
    const count = counts[i] ?? 0;
    if (left <= count && count > 0) {
      const low = i === 0 ? 0 : bounds[i - 1] ?? 0;
      const high = bounds[i] ?? low;
      return low + (high - low) * (left / count);
    }
    left -= count;
  }
  return bounds[bounds.length - 1] ?? null;
}

// Totals begin anew in another process: then a difference says nothing.
const grown = (now: number | undefined, before: number | undefined): number => Math.max(0, (now ?? 0) - (before ?? 0));

export function second_between(before: Picture, now: Picture): Second {
  const at = Date.parse(now.time) / 1000;
  const passed = Math.max(0.2, at - Date.parse(before.time) / 1000);
  const rate = (a: number | undefined, b: number | undefined): number => grown(a, b) / passed;
  const counts = now.latency.requests.map((count, i) => grown(count, before.latency.requests[i]));
  return {
    at, tunnels: now.tunnels, connections: now.connections,
    requests: rate(now.requests, before.requests),
    from_client: rate(now.messages[0], before.messages[0]), from_member: rate(now.messages[1], before.messages[1]),
    client_errors: rate(now.responses[4], before.responses[4]), server_errors: rate(now.responses[5], before.responses[5]),
    median: quantile(now.latency.milliseconds, counts, 0.5), p99: quantile(now.latency.milliseconds, counts, 0.99),
  };
}

const key_of = (route: Route): string => JSON.stringify([route.listener, route.rule, route.pool, route.backendSettings]);

export function rates_between(before: Picture | undefined, now: Picture): RouteRate[] {
  const known = new Map(before?.routes.map(route => [key_of(route), route]));
  const passed = before ? Math.max(0.2, (Date.parse(now.time) - Date.parse(before.time)) / 1000) : 1;
  return now.routes.map(route => {
    const then = known.get(key_of(route));
    const since = (a: number, b: number | undefined): number => (then ? grown(a, b) / passed : 0);
    return {
      key: key_of(route), listener: route.listener, rule: route.rule, pool: route.pool, settings: route.backendSettings, tunnels: route.tunnels,
      requests: since(route.requests, then?.requests),
      messages: since(route.messages[0] + route.messages[1], (then?.messages[0] ?? 0) + (then?.messages[1] ?? 0)),
      errors: since(route.serverErrors, then?.serverErrors),
    };
  });
}

// One connection for the whole page.
let live: Live = { state: 'connecting', picture: undefined, seconds: [], routes: [] };
const listeners = new Set<(now: Live) => void>();
const tell = (now: Live): void => { live = now; listeners.forEach(listener => listener(now)); };
const retry_milliseconds = { first: 500, most: 10_000 };
// A connection may go without a word: after a laptop's sleep, say.
const silence_milliseconds = 5000;

function connect(wait: number): void {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/live`);
  let next = wait;
  let watchdog = 0;
  const lose = (): void => {
    window.clearTimeout(watchdog);
    socket.onmessage = socket.onclose = null;
    socket.close();
    tell({ ...live, state: 'lost' });
    // At random, so that many pages do not come back at once.
    setTimeout(() => { connect(Math.min(retry_milliseconds.most, next * 2)); }, next * (0.5 + Math.random()));
  };
  const wait_for_word = (): void => { window.clearTimeout(watchdog); watchdog = window.setTimeout(lose, silence_milliseconds); };
  wait_for_word();
  socket.onmessage = event => {
    wait_for_word();
    next = retry_milliseconds.first;
    const now = JSON.parse(event.data as string) as Picture;
    const before = live.picture;
    const seconds = before ? [...live.seconds, second_between(before, now)].slice(-seconds_kept) : live.seconds;
    tell({ state: 'open', picture: now, seconds, routes: rates_between(before, now) });
  };
  socket.onclose = lose;
}

export function start_live(): void { connect(retry_milliseconds.first); }

export function useLive(): Live {
  const [now, set_now] = useState(live);
  useEffect(() => {
    listeners.add(set_now);
    set_now(live);
    return () => { listeners.delete(set_now); };
  }, []);
  return now;
}
