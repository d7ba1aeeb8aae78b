// What the admin listener answers (docs/operating/running.md), and the token that it wants for more than reading.
import { useEffect, useState } from 'preact/hooks';

export type Health = 'Up' | 'Down' | 'Unknown' | 'Draining';

export interface Probe { time: string; success: boolean; sent: string; expected: string; received: string; hint: string | null }
export interface Member { name: string; address: string; health: Health; requests: number; tunnels: number; leaving: boolean; lastProbe: Probe | null }
export interface Pool { name: string; backendSettings: string; probe: string; members: Member[] }
export interface HealthPage { gateway: string; configurationVersion: number; pools: Pool[] }

export interface Destination { pool?: string; backendSettings?: string; redirect?: string }
export interface PathRule extends Destination { name: string; patterns: string[] }
export interface Rule { name: string; listener: string; priority: number | null; paths: PathRule[]; otherwise: Destination }
export interface Listener {
  name: string; protocol: 'Http' | 'Https'; port: number; hostNames: string[]; addresses: string[]; certificate: string | null; disabled: boolean;
}
export interface Topology {
  gateway: string; resourceId: string; changeable: boolean; listeners: Listener[]; rules: Rule[];
  pools: { name: string; backendSettings: string; protocol: string; port: number }[];
}

export interface Tunnel {
  id: string; listener: string; rule: string; pool: string; backendSettings: string; client: string; member: string; seconds: number;
  messagesFromClient: number; messagesFromBackend: number; bytesFromClient: number; bytesFromBackend: number;
  roundTripClient: number | null; roundTripBackend: number | null;
}
export interface TunnelPage { open: number; matching: number; offset: number; tunnels: Tunnel[] }
export interface EndedTunnel {
  ended: string; id: string; listener: string; rule: string; pool: string; backendSettings: string; client: string; member: string; cause: string;
  code: number | null; reason: string; seconds: number; messagesFromClient: number; messagesFromBackend: number; bytesFromClient: number; bytesFromBackend: number;
}

export interface Certificate { name: string; kind: string; notAfter: string | null; listeners: string[] }

export interface Explanation {
  listener: string | null; rule: string | null; pathRule: string | null; action: string; status: number | null; pool: string | null; backendSettings: string | null;
  members: { address: string; port: number | null; health: Health }[];
  request: { method: string; host: string; path: string; headers: Record<string, string> } | null;
  why: string | null; location: string | null; considered: { listener: string | null; rule: string | null; pathRule?: string | null; reason: string | null }[];
}

export interface Problem { file: string; line: number; column: number; severity: 'error' | 'warning'; code: string; message: string; path: string }
export interface Change { subject: string; property: string | null; before: string | null; after: string | null }
export interface WhatIf {
  tunnels: { open: number; leaving: { pool: string; backendSettings: string; member: string; tunnels: number; drainSeconds: number | null }[];
             closedByUpdate: { tunnels: number; afterSeconds: number }[] };
  changes: Change[];
}
export interface Considered { problems: Problem[]; whatIf: WhatIf | null }

// What went wrong, as a sentence.
export class Refusal extends Error {
  constructor(readonly status: number, message: string) { super(message); }
}

async function sentence_of(response: Response): Promise<string> {
  const text = (await response.text()).trim();
  try {
    const body = JSON.parse(text) as { error?: { message?: string; details?: { message?: string }[] }; problems?: Problem[] };
    const details = body.error?.details?.map(detail => detail.message ?? '').filter(Boolean) ?? [];
    if (body.error) return [...new Set([body.error.message ?? '', ...details])].join('\n');
    if (body.problems) return body.problems.map(problem => problem.message).join('\n');
  } catch { /* it is a sentence already */ }
  return text || `the gateway answered ${response.status}`;
}

// What takes longer is not coming: a connection may have gone without a word.
const answer_milliseconds = 10_000;

export async function get<T>(path: string, headers: Record<string, string> = {}): Promise<T> {
  let response: Response;
  try { response = await fetch(path, { headers, signal: AbortSignal.timeout(answer_milliseconds) }); } catch { throw new Refusal(0, 'the gateway cannot be reached'); }
  if (!response.ok) throw new Refusal(response.status, await sentence_of(response));
  return await response.json() as T;
}

// The page's own, while it is open; never stored.
let token = '';
let ask_for_token: (wrong: boolean) => Promise<string> = () => Promise.resolve('');
export const on_token_wanted = (ask: (wrong: boolean) => Promise<string>): void => { ask_for_token = ask; };

const bearer = (): Record<string, string> => ({ Authorization: `Bearer ${token}` });

// False: whoever was asked did not want to give it.
async function have_token(): Promise<boolean> {
  for (let wrong = false; ; wrong = true) {
    if (!token) token = await ask_for_token(wrong);
    if (!token) return false;
    // What no header can hold is no token of ours.
    if (!/^[\x21-\x7e]+$/.test(token)) { token = ''; continue; }
    if ((await get<{ valid: boolean }>('/api/v1/token', bearer())).valid) return true;
    token = '';
  }
}

// Asks for the token first where it is not known. Undefined: it was not given.
export async function post(path: string, body: string): Promise<Response | undefined> {
  if (!await have_token()) return undefined;
  let response: Response;
  try { response = await fetch(path, { method: 'POST', body, headers: { ...bearer(), 'Content-Type': 'application/json' } }); }
  catch { throw new Refusal(0, 'the gateway cannot be reached'); }
  if (!response.ok) throw new Refusal(response.status, await sentence_of(response));
  return response;
}

// A PUT's operation, until it is over.
export async function operation_over(url: string): Promise<string> {
  const path = new URL(url).pathname + new URL(url).search;
  for (let tries = 0; tries < 60; ++tries) {
    const response = await fetch(path, { headers: bearer() });
    if (!response.ok) throw new Refusal(response.status, await sentence_of(response));
    const operation = await response.json() as { status: string; error?: { message: string } };
    if (operation.status === 'Succeeded') return operation.status;
    if (operation.status !== 'InProgress') throw new Refusal(409, operation.error?.message ?? operation.status);
    await new Promise(resolve => { setTimeout(resolve, 200); });
  }
  throw new Refusal(504, 'the change is still under way after 12 seconds: look at it again later');
}

export interface Polled<T> { data: T | undefined; error: string; again: () => void }

// The answer, asked for anew every so often while the page can be seen, and not while it rests.
export function usePoll<T>(path: string, seconds: number, rests = false): Polled<T> {
  const [state, set_state] = useState<{ data: T | undefined; error: string }>({ data: undefined, error: '' });
  const [round, set_round] = useState(0);
  useEffect(() => {
    if (rests) return undefined;
    let stopped = false;
    let timer = 0;
    const ask = async (): Promise<void> => {
      window.clearTimeout(timer);
      try {
        const data = await get<T>(path);
        if (!stopped) set_state({ data, error: '' });
      } catch (error) {
        if (!stopped) set_state(before => ({ data: before.data, error: (error as Error).message }));
      }
      // Whoever looks at it again asks at once.
      if (!stopped && !document.hidden) timer = window.setTimeout(() => void ask(), seconds * 1000);
    };
    const look = (): void => { if (!document.hidden) void ask(); };
    document.addEventListener('visibilitychange', look);
    void ask();
    return () => { stopped = true; window.clearTimeout(timer); document.removeEventListener('visibilitychange', look); };
  }, [path, seconds, rests, round]);
  return { ...state, again: () => set_round(before => before + 1) };
}
