// Listeners, rules, pools and members, and what goes between them: a drawing, and the same as a list for narrow screens, for screen readers, and for who prefers it.
import { useMemo, useState } from 'preact/hooks';
import type { Destination, Health, Topology } from '../api';
import { count, plural, rate } from '../format';
import type { Live, LiveMember, RouteRate } from '../live';

const column_max = 60; // nodes of a column; the list has them all
const column_x = [10, 270, 530, 790] as const;
const node = { width: 200, height: 58, gap: 12, top: 26 };

interface Node { key: string; title: string; detail: string; traffic: string; y: number; health?: Health | undefined }
interface Edge { from: Node; to: Node; columns: [number, number]; size: number }
interface Picture { columns: [Node[], Node[], Node[], Node[]]; edges: Edge[]; height: number; left_out: number }
interface Way { key: string; rule: string; listener: string; words: string; to: Destination; pool: string }
interface Ways { all: Way[]; by_listener: Map<string, Way[]>; pools: { key: string; to: Destination }[] }

const pool_key = (to: Destination): string => (to.redirect === undefined ? `${to.pool} · ${to.backendSettings}` : `→ ${to.redirect}`);

// A rule's ways: each path rule, then the rest.
export function ways_of(topology: Topology): Ways {
  const all = topology.rules.flatMap(rule => [
    ...rule.paths.map(path => ({ rule: rule.name, listener: rule.listener, words: path.patterns.join(', '), to: path as Destination })),
    { rule: rule.name, listener: rule.listener, words: rule.paths.length > 0 ? 'everything else' : 'everything', to: rule.otherwise },
  ]).map((way, i) => ({ ...way, key: `${i} ${way.rule}`, pool: pool_key(way.to) }));
  const by_listener = new Map<string, Way[]>();
  for (const way of all) by_listener.set(way.listener, [...(by_listener.get(way.listener) ?? []), way]);
  const pools = [...new Map(all.map(way => [way.pool, { key: way.pool, to: way.to }])).values()];
  return { all, by_listener, pools };
}

const group = <T,>(all: T[], key: (each: T) => string): Map<string, T[]> => {
  const out = new Map<string, T[]>();
  for (const each of all) {
    const known = out.get(key(each));
    if (known) known.push(each);
    else out.set(key(each), [each]);
  }
  return out;
};

export const by_pool = (members: LiveMember[]): Map<string, LiveMember[]> => group(members, member => pool_key({ pool: member.pool, backendSettings: member.backendSettings }));

const health_of = (members: LiveMember[]): Health =>
  members.some(member => member.health === 'Up') ? 'Up' : members.some(member => member.health === 'Draining') ? 'Draining' : members.some(member => member.health === 'Unknown') ? 'Unknown' : 'Down';

const traffic_of = (rates: RouteRate[]): { size: number; words: string } => {
  const sum = (of: (rate: RouteRate) => number): number => rates.reduce((all, each) => all + of(each), 0);
  const requests = sum(each => each.requests), messages = sum(each => each.messages), tunnels = sum(each => each.tunnels);
  const words = [requests > 0 ? `${rate(requests)} req/s` : '', tunnels > 0 ? plural(tunnels, 'tunnel') : '', messages > 0 ? `${rate(messages)} msg/s` : ''];
  return { size: requests + messages, words: words.filter(Boolean).join(' · ') };
};

export function layout(topology: Topology, all_ways: Ways, live: Live): Picture {
  const listeners: Node[] = [], rules: Node[] = [], pools: Node[] = [], members: Node[] = [], edges: Edge[] = [];
  const step = node.height + node.gap;
  const ways = all_ways.all.slice(0, column_max);
  const used = new Set(ways.map(way => way.pool));
  const shown_pools = all_ways.pools.filter(pool => used.has(pool.key));
  const members_of = by_pool(live.picture?.members ?? []);
  const share = Math.max(2, Math.floor(column_max / Math.max(1, shown_pools.length)));
  const pool_nodes = new Map<string, Node>();
  let y = 0;
  const rates_of_pool = group(live.routes, each => pool_key({ pool: each.pool, backendSettings: each.settings }));
  let left_out = all_ways.all.length - ways.length + Math.max(0, topology.listeners.length - column_max);
  // Members stand one below the other; what leads to them in the middle of them.
  for (const { key, to } of shown_pools) {
    const own = members_of.get(key) ?? [];
    const top = y;
    const shown = own.slice(0, own.length > share ? share - 1 : share);
    const placed = shown.map((member, i): Node => {
      const at: Node = { key: `${key} ${i}`, title: member.address, detail: member.health, traffic: member.tunnels > 0 ? plural(member.tunnels, 'tunnel') : '', health: member.health, y };
      y += step;
      return at;
    });
    if (own.length > shown.length) {
      left_out += own.length - shown.length;
      members.push({ key: `${key} more`, title: `${count(own.length - shown.length)} more`, detail: 'in the list', traffic: '', y });
      y += step;
    }
    if (own.length === 0) y += step;
    const redirect = to.redirect !== undefined;
    const health = redirect ? undefined : health_of(own);
    const pool: Node = { key, title: to.redirect ?? to.pool ?? 'nowhere', detail: redirect ? 'redirect' : to.backendSettings ?? '',
                         traffic: redirect ? '' : `${count(own.filter(member => member.health === 'Up').length)} of ${count(own.length)} up`, health, y: (top + y - step) / 2 };
    pools.push(pool);
    pool_nodes.set(key, pool);
    // What a pool gets, those who are up share.
    const each_gets = traffic_of(rates_of_pool.get(key) ?? []).size / Math.max(1, own.filter(member => member.health === 'Up').length);
    placed.forEach((to_member, i) => {
      const member = shown[i]!;
      members.push(to_member);
      edges.push({ from: pool, to: to_member, columns: [2, 3], size: member.health === 'Up' ? each_gets + member.tunnels : member.tunnels });
    });
  }
  const rates = group(live.routes, each => JSON.stringify([each.listener, each.rule, pool_key({ pool: each.pool, backendSettings: each.settings })]));
  const rates_of_listener = group(live.routes, each => each.listener);
  let rule_y = 0;
  const own_rules = new Map<string, Node[]>();
  for (const way of ways) {
    const traffic = traffic_of(rates.get(JSON.stringify([way.listener, way.rule, way.pool])) ?? []);
    const own: Node = { key: way.key, title: way.rule, detail: way.words, traffic: traffic.words, y: rule_y };
    rule_y += step;
    rules.push(own);
    own_rules.set(way.listener, [...(own_rules.get(way.listener) ?? []), own]);
    edges.push({ from: own, to: pool_nodes.get(way.pool)!, columns: [1, 2], size: traffic.size });
  }
  let listener_y = 0;
  for (const listener of topology.listeners.slice(0, column_max)) {
    const leads_to = own_rules.get(listener.name) ?? [];
    const middle = leads_to.length > 0 ? (leads_to[0]!.y + leads_to[leads_to.length - 1]!.y) / 2 : listener_y;
    const traffic = traffic_of(rates_of_listener.get(listener.name) ?? []);
    const host = listener.hostNames[0];
    const own: Node = { key: listener.name, title: listener.name, detail: `${listener.protocol} ${listener.port}${host ? ` · ${host}` : ''}`, traffic: listener.disabled ? 'nothing is served' : traffic.words,
                        y: Math.max(listener_y, middle), health: listener.disabled ? 'Down' : undefined };
    listener_y = own.y + step;
    listeners.push(own);
    leads_to.forEach(rule => edges.push({ from: own, to: rule, columns: [0, 1], size: traffic.size }));
  }
  return { columns: [listeners, rules, pools, members], edges, height: Math.max(y, rule_y, listener_y, step) + node.top, left_out };
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function Wire({ edge }: { edge: Edge }) {
  const x1 = column_x[edge.columns[0] as 0] + node.width, x2 = column_x[edge.columns[1] as 1];
  const y1 = edge.from.y + node.top + node.height / 2, y2 = edge.to.y + node.top + node.height / 2;
  const width = edge.size > 0 ? Math.min(7, 2 + Math.log10(1 + edge.size) * 1.5) : 1;
  return <path class={edge.size > 0 ? 'wire live' : 'wire'} d={`M${x1} ${y1} C${x1 + 30} ${y1} ${x2 - 30} ${y2} ${x2} ${y2}`} stroke-width={width} />;
}

function Svg({ picture }: { picture: Picture }) {
  return (
    <svg class="wide" viewBox={`0 0 1000 ${picture.height}`} aria-hidden="true">
      {['Listeners', 'Rules', 'Pools', 'Members'].map((title, i) => <text key={title} class="column" x={column_x[i as 0]} y="14">{title}</text>)}
      {picture.edges.map(edge => <Wire key={`${edge.from.key}>${edge.to.key}`} edge={edge} />)}
      {picture.columns.map((nodes, column) => nodes.map(each => (
        <g key={`${column} ${each.key}`} class={`node ${each.health ?? ''}`} transform={`translate(${column_x[column as 0]} ${each.y + node.top})`}>
          <title>{`${each.title}: ${each.detail} ${each.traffic}`}</title>
          <rect width={node.width} height={node.height} rx="7" />
          {each.health && <circle cx={node.width - 14} cy="15" r="5" />}
          <text x="12" y="19" class="name">{cut(each.title, 22)}</text>
          <text x="12" y="35" class="detail">{cut(each.detail, 30)}</text>
          <text x="12" y="50" class="detail traffic">{cut(each.traffic, 34)}</text>
        </g>
      )))}
    </svg>
  );
}

function List({ topology, ways, live, seen }: { topology: Topology; ways: Ways; live: Live; seen: boolean }) {
  const members = by_pool(live.picture?.members ?? []);
  return (
    <div class={seen ? 'tree' : 'tree unseen'}>
      <h3>Listeners and their rules</h3>
      <ul aria-label="Listeners and their rules">
        {topology.listeners.map(listener => (
          <li key={listener.name}>
            <b>{listener.name}</b> <span class="soft">{listener.protocol} {listener.port} {listener.hostNames.join(', ')}{listener.disabled && ' – nothing is served: its certificate is missing'}</span>
            <ul>{(ways.by_listener.get(listener.name) ?? []).map(way => <li key={way.key}>{way.rule}, {way.words} → {way.to.redirect === undefined ? <b>{way.to.pool}</b> : `redirect to ${way.to.redirect}`}</li>)}</ul>
          </li>
        ))}
      </ul>
      <h3>Pools and their members</h3>
      <ul aria-label="Pools and their members">
        {ways.pools.filter(pool => pool.to.redirect === undefined).map(pool => (
          <li key={pool.key}>
            <b>{pool.to.pool}</b> <span class="soft">under {pool.to.backendSettings}</span>
            <ul>{(members.get(pool.key) ?? []).map((member, i) => <li key={i}><span class={`health ${member.health}`}>{member.health}</span> {member.address} <span class="soft">{plural(member.tunnels, 'tunnel')}</span></li>)}</ul>
          </li>
        ))}
      </ul>
    </div>
  );
}

export function Drawing({ topology, live }: { topology: Topology; live: Live }) {
  const [as_list, set_as_list] = useState(false);
  const ways = useMemo(() => ways_of(topology), [topology]);
  const picture = layout(topology, ways, live);
  const left_out = picture.left_out + (live.picture?.leftOut ?? 0);
  return (
    <section class="card drawing" aria-label="What leads where">
      <p class="actions wide end"><button aria-pressed={as_list} onClick={() => { set_as_list(!as_list); }}>As a list</button></p>
      {!as_list && <Svg picture={picture} />}
      {left_out > 0 && <p class="soft">{count(left_out)} more are not shown{live.picture && live.picture.leftOut > 0 ? ': the live picture has at most 200 routes and 500 members' : ' in the drawing: the list has them'}.</p>}
      <List topology={topology} ways={ways} live={live} seen={as_list} />
    </section>
  );
}
