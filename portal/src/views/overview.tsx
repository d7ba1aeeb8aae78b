import type { Topology } from '../api';
import { count, rate } from '../format';
import { useLive } from '../live';
import { Chart } from '../parts/chart';
import { Drawing } from '../parts/drawing';

function Figure({ label, value, kind }: { label: string; value: string; kind?: string }) {
  return <div class={`figure ${kind ?? ''}`}><dt>{label}</dt><dd>{value}</dd></div>;
}

export function Overview({ topology }: { topology: Topology | undefined }) {
  const live = useLive();
  const { picture, seconds } = live;
  const last = seconds[seconds.length - 1];
  const members = picture?.members ?? [];
  const down = members.filter(member => member.health === 'Down').length;
  if (topology && topology.listeners.length === 0)
    return (
      <section class="card">
        <h2>Nothing is carried yet</h2>
        <p>{topology.changeable ? <><a href="#/create">Create a gateway</a> with a form, or <a href="#/change">paste a template</a>.</> : 'The configuration has no listener.'}</p>
      </section>
    );
  return (
    <>
      <h2 class="hidden">Overview</h2>
      <dl class="figures">
        <Figure label="Open tunnels" value={picture ? count(picture.tunnels) : '–'} />
        <Figure label="Requests a second" value={last ? rate(last.requests) : '–'} />
        <Figure label="Messages a second" value={last ? rate(last.from_client + last.from_member) : '–'} />
        <Figure label="Errors a second" value={last ? rate(last.client_errors + last.server_errors) : '–'} kind={last && last.server_errors > 0 ? 'bad' : ''} />
        <Figure label="Members up" value={picture ? `${members.filter(member => member.health === 'Up').length} of ${members.length}` : '–'} kind={down > 0 ? 'bad' : ''} />
      </dl>
      {topology && <Drawing topology={topology} live={live} />}
      <div class="charts">
        <Chart title="Open tunnels" unit="" seconds={seconds} lines={[{ label: 'tunnels', colour: '--line-1', of: second => second.tunnels }]} />
        <Chart title="Requests" unit="/s" seconds={seconds} lines={[{ label: 'requests', colour: '--line-1', of: second => second.requests }]} />
        <Chart title="Messages" unit="/s" seconds={seconds} lines={[{ label: 'from clients', colour: '--line-1', of: second => second.from_client }, { label: 'from members', colour: '--line-2', of: second => second.from_member }]} />
        <Chart title="Errors" unit="/s" seconds={seconds} lines={[{ label: '4xx', colour: '--line-2', of: second => second.client_errors }, { label: '5xx', colour: '--bad', of: second => second.server_errors }]} />
        <Chart title="Latency of requests" unit="ms" seconds={seconds} lines={[{ label: 'half under', colour: '--line-1', of: second => second.median }, { label: '99 % under', colour: '--line-2', of: second => second.p99 }]} />
      </div>
      <p class="soft">Of latency the gateway keeps buckets of 10 ms to 30 s: within one the figures are estimates.</p>
    </>
  );
}
