import { useState } from 'preact/hooks';
import { type Explanation, get, type Topology } from '../api';
import { Trouble } from '../parts/confirm';

function Answer({ explanation: e }: { explanation: Explanation }) {
  return (
    <section class="card" aria-label="What would happen">
      <h3>
        {e.action === 'forward' && <>Forwarded to a member of <b>{e.pool}</b></>}
        {e.action === 'redirect' && <>Redirected ({e.status}) to {e.location}</>}
        {e.action === 'reject' && (e.status === null ? 'Nobody answers' : `Answered here with ${e.status}`)}
      </h3>
      {e.why && <p>{e.why}</p>}
      <dl class="probe">
        {e.listener && <><dt>Listener</dt><dd>{e.listener}</dd></>}
        {e.rule && <><dt>Rule</dt><dd>{e.rule}{e.pathRule && `, path rule ${e.pathRule}`}</dd></>}
        {e.backendSettings && <><dt>Settings</dt><dd>{e.backendSettings}</dd></>}
        {e.request && <><dt>Request sent</dt><dd><code>{e.request.method} {e.request.path}</code><br />{Object.entries(e.request.headers).map(([name, value]) => <span key={name}><code>{name}: {value}</code><br /></span>)}</dd></>}
        {e.members.length > 0 && <><dt>Members</dt><dd>{e.members.map(member => <span key={member.address + member.port}><span class={`health ${member.health}`}>{member.health}</span> {member.address}{member.port !== null && `:${member.port}`} </span>)}</dd></>}
      </dl>
      {e.considered.length > 0 && (
        <>
          <h4>What was passed over</h4>
          <ul>{e.considered.map((each, i) => <li key={i}>{[each.listener, each.rule, each.pathRule].filter(Boolean).join(', ')}: {each.reason}</li>)}</ul>
        </>
      )}
    </section>
  );
}

export function Explain({ topology }: { topology: Topology | undefined }) {
  const first = topology?.listeners[0];
  const host = first?.hostNames[0]?.replace('*', 'www') ?? 'localhost';
  const https = first?.protocol === 'Https';
  const port = !first || first.port === (https ? 443 : 80) ? '' : `:${first.port}`;
  const [url, set_url] = useState('');
  const [method, set_method] = useState('GET');
  const [answer, set_answer] = useState<Explanation>();
  const [error, set_error] = useState('');
  const ask = async (): Promise<void> => {
    if (!/^(https?|wss?):\/\/[^/?#]+/i.test(url)) {
      set_answer(undefined);
      return set_error('A URL begins with http://, https://, ws:// or wss://, and has a host.');
    }
    try {
      set_answer(await get<Explanation>(`/api/v1/explain?url=${encodeURIComponent(url)}&method=${method}`));
      set_error('');
    } catch (refusal) { set_answer(undefined); set_error((refusal as Error).message); }
  };
  return (
    <>
      <h2>What would happen to a request</h2>
      <form class="filter" onSubmit={event => { event.preventDefault(); void ask(); }}>
        <label>Method <select value={method} onChange={event => { set_method(event.currentTarget.value); }}>{['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map(each => <option key={each}>{each}</option>)}</select></label>
        <label class="long">URL <input type="text" inputMode="url" required value={url} placeholder={`${https ? 'https' : 'http'}://${host}${port}/`} onInput={event => { set_url(event.currentTarget.value); }} /></label>
        <button class="primary">Explain</button>
      </form>
      <p class="soft">http, https, ws or wss, with the ports of the template. Nothing is sent to anybody.</p>
      <Trouble error={error} />
      <div aria-live="polite">{answer && <Answer explanation={answer} />}</div>
    </>
  );
}
