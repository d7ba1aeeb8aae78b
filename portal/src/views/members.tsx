import { useRef, useState } from 'preact/hooks';
import { type HealthPage, type Member, type Pool, post, usePoll } from '../api';
import { ago, duration, plural } from '../format';
import { Said, Sure, Trouble, type Words } from '../parts/confirm';

function LastProbe({ member }: { member: Member }) {
  const probe = member.lastProbe;
  if (!probe) return <p class="soft">Not probed yet: it gets no traffic before its first good probe.</p>;
  return (
    <dl class="probe">
      <dt>Sent</dt><dd>{probe.sent} <span class="soft">{ago(probe.time)}</span></dd>
      <dt>Expected</dt><dd>{probe.expected}</dd>
      <dt>Received</dt><dd class={probe.success ? '' : 'bad-text'}>{probe.received}</dd>
      {probe.hint && <><dt>Hint</dt><dd>{probe.hint}</dd></>}
    </dl>
  );
}

function Card({ pool, member, others, onDone }: { pool: Pool; member: Member; others: string[]; onDone: (said: Words) => void }) {
  const card = useRef<HTMLElement>(null);
  const ask = async (what: 'drain' | 'resume'): Promise<void> => {
    try {
      const response = await post(`/api/v1/members/${what}`, JSON.stringify({ pool: pool.name, backendSettings: pool.backendSettings, member: member.address }));
      if (!response) return;
      // The button that was pressed goes.
      card.current?.focus();
      if (what === 'resume') return onDone({ words: `${member.address} gets traffic again where its probes succeed.`, kind: 'good' });
      const drained = await response.json() as { tunnels: number; overSeconds: number; pools: string[] };
      const where = drained.pools.length > 1 ? ` in all its pools (${drained.pools.join(', ')})` : '';
      onDone({ words: `${member.address} gets nobody new${where}; its ${plural(drained.tunnels, 'tunnel')} leave${drained.tunnels === 1 ? 's' : ''} over ${duration(drained.overSeconds)}.`, kind: 'good' });
    } catch (error) { onDone({ words: (error as Error).message, kind: 'bad' }); }
  };
  const also = others.length > 0 ? `, in ${others.join(', ')} too` : '';
  const by_itself = member.name === member.address.replace(/:\d+$/, '');
  return (
    <article class="card member" ref={card} tabIndex={-1} aria-label={member.address}>
      <h4><span class={`health ${member.health}`}>{member.health}</span> {member.address}{!by_itself && <span class="soft"> {member.name}</span>}</h4>
      <p>{plural(member.tunnels, 'tunnel')}, {plural(member.requests, 'request')} under way</p>
      <LastProbe member={member} />
      {member.leaving ? <p class="soft">It has left the configuration, and what it carries drains.</p> : (
        <p class="actions">
          {member.health === 'Draining'
            ? <button onClick={() => void ask('resume')} aria-label={`Resume ${member.address}`}>Resume</button>
            : <Sure label="Drain" name={member.address} question={`Send ${member.address} nobody new${also}, and let its ${plural(member.tunnels, 'tunnel')} leave?`} onSure={() => ask('drain')} />}
        </p>
      )}
    </article>
  );
}

export function Members() {
  const health = usePoll<HealthPage>('/api/v1/health', 2);
  const [said, set_said] = useState<Words>();
  const done = (now: Words): void => { set_said(now); health.again(); };
  return (
    <>
      <h2>Members and their last probes</h2>
      <Trouble error={health.error} />
      <Said said={said} />
      {health.data?.pools.length === 0 && <p>No pool is in use.</p>}
      {health.data?.pools.map(pool => (
        <section key={`${pool.name}~${pool.backendSettings}`}>
          <h3>{pool.name} <span class="soft">under {pool.backendSettings}, probe {pool.probe}</span></h3>
          {pool.members.length === 0 && <p>It has no member.</p>}
          <div class="members">{pool.members.map(member => <Card key={`${member.name} ${member.address} ${member.leaving}`} pool={pool} member={member} onDone={done}
            others={health.data!.pools.filter(other => other !== pool && other.backendSettings === pool.backendSettings && other.members.some(each => each.address === member.address)).map(other => other.name)} />)}</div>
        </section>
      ))}
    </>
  );
}
