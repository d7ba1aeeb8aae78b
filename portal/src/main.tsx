import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Topology, usePoll } from './api';
import { clock } from './format';
import { start_live, useLive } from './live';
import { Trouble } from './parts/confirm';
import { TokenDialog } from './parts/token';
import { Certificates } from './views/certificates';
import { Change } from './views/change';
import { Create } from './views/create';
import { Explain } from './views/explain';
import { Members } from './views/members';
import { Overview } from './views/overview';
import { Tunnels } from './views/tunnels';

const pages = [
  { path: '', title: 'Overview', view: Overview },
  { path: 'members', title: 'Members', view: Members },
  { path: 'tunnels', title: 'Tunnels', view: Tunnels },
  { path: 'certificates', title: 'Certificates', view: Certificates },
  { path: 'explain', title: 'Explain', view: Explain },
  { path: 'change', title: 'Change', view: Change },
  { path: 'create', title: 'Create', view: Create },
];
const here = (): string => location.hash.replace(/^#\/?/, '');

function State() {
  const live = useLive();
  const [kind, words] = live.state === 'lost' ? ['bad', 'connection lost: trying again'] : live.state === 'connecting' ? ['', 'connecting…']
    : live.picture?.ready ? ['good', 'ready'] : ['bad', 'ending'];
  const since = live.state === 'lost' && live.picture ? ` (what you see is of ${clock(live.picture.time)})` : '';
  return <p class={`state ${kind}`} role="status">{words}{since}</p>;
}

function App() {
  const [path, set_path] = useState(here());
  const live = useLive();
  const version = live.picture?.configurationVersion ?? 0;
  const topology = usePoll<Topology>(`/api/v1/topology?version=${version}`, 10);
  useEffect(() => {
    const follow = (): void => { set_path(here()); };
    addEventListener('hashchange', follow);
    return () => { removeEventListener('hashchange', follow); };
  }, []);
  const page = pages.find(each => each.path === path) ?? pages[0]!;
  const name = topology.data?.gateway ?? '';
  useEffect(() => { document.title = `${page.title} – ${name || 'Passerelle'}`; }, [page, name]);
  const turned = useRef(false);
  useEffect(() => {
    // Whoever comes from a link of the page that is gone goes on in the new one.
    if (turned.current && document.activeElement === document.body) document.getElementById('main')?.focus();
    turned.current = true;
  }, [page]);
  const View = page.view;
  return (
    <>
      <a class="skip" href="#main" onClick={event => { event.preventDefault(); document.getElementById('main')?.focus(); }}>To the content</a>
      <header>
        <div class="title">
          <img src="/icon.svg" alt="" width="28" height="28" />
          <h1>{topology.data ? name || 'No gateway yet' : 'Passerelle'}</h1>
          <State />
        </div>
        <nav aria-label="Pages">
          {pages.map(each => <a key={each.path} href={`#/${each.path}`} aria-current={each === page ? 'page' : undefined}>{each.title}</a>)}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        <Trouble error={topology.error} />
        <View topology={topology.data} />
      </main>
      <footer><a href="/licences.txt">Licences of what is in this page</a></footer>
      <TokenDialog />
    </>
  );
}

start_live();
render(<App />, document.getElementById('app')!);
