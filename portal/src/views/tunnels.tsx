import { useState } from 'preact/hooks';
import { type EndedTunnel, post, type Tunnel, type TunnelPage, usePoll } from '../api';
import { ago, bytes, count, duration, milliseconds } from '../format';
import { Said, Sure, Trouble, type Words } from '../parts/confirm';
import { Table } from '../parts/table';

const shown = 100;
const orders = [['-seconds', 'longest open'], ['seconds', 'newest'], ['-messages', 'most messages'], ['-bytes', 'most bytes']] as const;
const filters = ['client', 'member', 'listener', 'rule', 'pool'] as const;

function Close({ tunnel, onSaid, onAsking }: { tunnel: Tunnel; onSaid: (said: Words) => void; onAsking: (asking: boolean) => void }) {
  const close = async (): Promise<void> => {
    try {
      if (await post(`/api/v1/tunnels/${tunnel.id}/close`, '')) onSaid({ words: `The tunnel of ${tunnel.client} is being closed: both sides get a Close.`, kind: 'good' });
    } catch (error) { onSaid({ words: (error as Error).message, kind: 'bad' }); }
  };
  return <Sure label="Close" name={`the tunnel of ${tunnel.client}`} question="Close it?" onSure={close} onAsking={onAsking} />;
}

const why = (tunnel: EndedTunnel) => (
  <><b>{tunnel.cause}</b>{tunnel.code !== null && ` (${tunnel.code})`}{tunnel.reason && <span class="soft"> “{tunnel.reason}”</span>}</>
);

export function Tunnels() {
  const [order, set_order] = useState<string>('-seconds');
  const [by, set_by] = useState<string>('client');
  const [wanted, set_wanted] = useState('');
  const [said, set_said] = useState<Words>();
  const [asking, set_asking] = useState(false);
  const filter = wanted.trim() ? `&${by}=${encodeURIComponent(wanted.trim())}` : '';
  // Rows do not move under a question.
  const page = usePoll<TunnelPage>(`/api/v1/tunnels?limit=${shown}&sort=${order}${filter}`, 2, asking);
  const ended = usePoll<{ tunnels: EndedTunnel[] }>('/api/v1/tunnels/ended', 2);
  return (
    <>
      <h2>Open tunnels</h2>
      <form class="filter" onSubmit={event => { event.preventDefault(); }}>
        <label>Order <select value={order} onChange={event => { set_order(event.currentTarget.value); }}>{orders.map(([value, words]) => <option key={value} value={value}>{words}</option>)}</select></label>
        <label>Where <select value={by} onChange={event => { set_by(event.currentTarget.value); }}>{filters.map(each => <option key={each}>{each}</option>)}</select></label>
        <label>is <input type="search" value={wanted} placeholder="any" onInput={event => { set_wanted(event.currentTarget.value); }} /></label>
      </form>
      <Trouble error={page.error} />
      <Said said={said} />
      {page.data && <p>{count(page.data.open)} open{filter && `, ${count(page.data.matching)} of them match`}{page.data.matching > shown && `; the first ${shown} are shown`}.</p>}
      {page.data && page.data.tunnels.length > 0 && (
        <Table name="Open tunnels" heads={['Client', 'Listener, rule', 'Member', 'Open for', 'Messages in, out', 'Bytes in, out', 'Round trip: client, member', 'Close']}
          rows={page.data.tunnels.map(tunnel => ({ key: tunnel.id, cells: [
            tunnel.client, `${tunnel.listener}, ${tunnel.rule}`, <>{tunnel.member} <span class="soft">{tunnel.pool}</span></>, duration(tunnel.seconds),
            `${count(tunnel.messagesFromClient)}, ${count(tunnel.messagesFromBackend)}`, `${bytes(tunnel.bytesFromClient)}, ${bytes(tunnel.bytesFromBackend)}`,
            `${milliseconds(tunnel.roundTripClient)}, ${milliseconds(tunnel.roundTripBackend)}`, <Close tunnel={tunnel} onSaid={set_said} onAsking={set_asking} />] }))} />
      )}
      <h2>Why the last ones ended</h2>
      {ended.data?.tunnels.length === 0 && <p>None has ended since this process began.</p>}
      {ended.data && ended.data.tunnels.length > 0 && (
        <Table name="Ended tunnels" heads={['Ended', 'Why', 'Client', 'Listener, rule', 'Member', 'Was open for', 'Messages in, out']}
          rows={ended.data.tunnels.slice(0, shown).map(tunnel => ({ key: tunnel.id, cells: [
            ago(tunnel.ended), why(tunnel), tunnel.client, `${tunnel.listener}, ${tunnel.rule}`, <>{tunnel.member} <span class="soft">{tunnel.pool}</span></>, duration(tunnel.seconds),
            `${count(tunnel.messagesFromClient)}, ${count(tunnel.messagesFromBackend)}`] }))} />
      )}
    </>
  );
}
