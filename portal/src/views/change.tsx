import { useRef, useState } from 'preact/hooks';
import { type Considered, operation_over, post, type Problem, type Topology } from '../api';
import { plural } from '../format';
import { Said, type Words } from '../parts/confirm';
import { Table } from '../parts/table';

// What another page hands over to be looked at. Secrets stand in it by other words, and are put in when it is sent.
let draft = '';
let secrets: Record<string, string> = {};
export const set_draft = (text: string, its_secrets: Record<string, string>): void => { draft = text; secrets = its_secrets; };
const whole = (text: string): string =>
  Object.entries(secrets).reduce((all, [words, secret]) => all.replaceAll(JSON.stringify(words), JSON.stringify(secret)), text);

// Where a line and a column, both from 1 and in characters rather than in halves of them, are in the text.
export function offset_of(text: string, line: number, column: number): [number, number] {
  const lines = text.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const own = lines[line - 1] ?? '';
  return [start + [...own].slice(0, Math.max(0, column - 1)).join('').length, start + own.length];
}

function Problems({ problems, onShow }: { problems: Problem[]; onShow: (problem: Problem) => void }) {
  const errors = problems.filter(problem => problem.severity === 'error').length;
  return (
    <section class="card" aria-label="Problems">
      <h3>{errors > 0 ? `${plural(errors, 'error')}: it would not be taken` : plural(problems.length, 'warning')}</h3>
      <ul class="problems">
        {problems.map((problem, i) => (
          <li key={i} class={problem.severity}>
            {problem.file ? <code>{problem.file}:{problem.line}</code>
              : problem.line > 0 && <button class="link" onClick={() => { onShow(problem); }}>line {problem.line}, column {problem.column}</button>} {problem.message} <span class="soft">{problem.code}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Effects({ considered }: { considered: Considered }) {
  const { whatIf } = considered;
  if (!whatIf) return null;
  const { leaving, closedByUpdate, open } = whatIf.tunnels;
  const drained = leaving.filter(each => each.drainSeconds !== null).reduce((sum, each) => sum + each.tunnels, 0);
  const ended = closedByUpdate.reduce((sum, each) => sum + each.tunnels, 0);
  return (
    <section class="card" aria-label="What it would do">
      <h3>What it would do</h3>
      <p>{open === 0 ? 'No tunnel is open.' : `Of ${plural(open, 'open tunnel')}, ${open - drained - ended} ${open - drained - ended === 1 ? 'stays' : 'stay'} untouched.`}</p>
      <ul>
        {leaving.map(each => <li key={each.member + each.pool}>{plural(each.tunnels, 'tunnel')} at {each.member} of {each.pool}, which leaves: {each.drainSeconds === null ? 'they go on, for its settings do not drain' : `drained over ${each.drainSeconds} s`}</li>)}
        {closedByUpdate.map(each => <li key={each.afterSeconds}>{plural(each.tunnels, 'tunnel')} closed by the update after {each.afterSeconds} s</li>)}
      </ul>
      {whatIf.changes.length === 0 ? <p>Nothing would behave differently.</p> : (
        <Table name="Changes" heads={['What', 'Now', 'Then']} rows={whatIf.changes.map((change, i) => ({ key: String(i), cells: [
          `${change.subject}${change.property ? `, ${change.property}` : ''}`, change.before ?? <span class="soft">not there</span>, change.after ?? <span class="soft">gone</span>] }))} />
      )}
    </section>
  );
}

export function Change({ topology }: { topology: Topology | undefined }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, set_text] = useState(draft);
  const [considered, set_considered] = useState<{ of: string; what: Considered }>();
  const [said, set_said] = useState<Words>();
  const busy = useRef(false);
  const changeable = topology?.changeable ?? true;

  const write = (now: string): void => { draft = now; set_text(now); };
  const doing = async (work: () => Promise<void>): Promise<void> => {
    if (busy.current) return;
    busy.current = true;
    set_said(undefined);
    try { await work(); } catch (error) { set_said({ words: (error as Error).message, kind: 'bad' }); }
    busy.current = false;
  };
  const consider = (): Promise<void> => doing(async () => {
    const response = await post('/api/v1/what-if', whole(text));
    if (!response) return;
    const what = await response.json() as Considered;
    set_considered({ of: text, what });
    const errors = what.problems.filter(problem => problem.severity === 'error').length;
    set_said(errors > 0 ? { words: `It would not be taken: ${plural(errors, 'error')}, below.`, kind: 'bad' } : { words: 'It would be taken. What it would do is below.', kind: '' });
  });
  const apply = (): Promise<void> => doing(async () => {
    const sent = text;
    const response = await post('/api/v1/apply', whole(sent));
    if (!response) return;
    set_said({ words: 'It is being applied…', kind: '' });
    await operation_over(response.headers.get('Azure-AsyncOperation') ?? '');
    set_considered(undefined);
    // Its secrets have gone where they belong; what was written meanwhile stays.
    if (draft === sent) { secrets = {}; write(''); }
    set_said({ words: 'It is in force. No tunnel was touched but those you were told of.', kind: 'good' });
  });
  const show = (problem: Problem): void => {
    const area = field.current;
    if (!area) return;
    const [from, to] = offset_of(text, problem.line, problem.column);
    area.focus();
    area.setSelectionRange(from, to);
    area.scrollTop = Math.max(0, (problem.line - 4) * parseFloat(getComputedStyle(area).lineHeight));
  };
  // As the field has it: places are counted in that.
  const open = async (input: HTMLInputElement): Promise<void> => {
    const file = input.files?.[0];
    if (file) write((await file.text()).replace(/\r\n?/g, '\n'));
    input.value = '';
  };
  const current = considered?.of === text ? considered.what : undefined;
  return (
    <>
      <h2>Change the configuration</h2>
      {!changeable && <p class="notice warn">This gateway's configuration is that of the templates on its command line: here you can see what another would do; to take it, change those files and send SIGHUP, or start with --state and no template.</p>}
      <label class="block" for="template">An ARM template, or the resource alone. Its parameters need default values.</label>
      <textarea id="template" ref={field} rows={18} spellcheck={false} wrap="off" value={text} onInput={event => { write(event.currentTarget.value); }} />
      <p class="actions">
        <button class="primary" disabled={!text.trim()} onClick={() => void consider()}>See what it does</button>
        {changeable && <button disabled={!current?.whatIf} onClick={() => void apply()}>Apply</button>}
        <label class="button">Open a file<input class="hidden" type="file" accept=".json,application/json" onChange={event => void open(event.currentTarget)} /></label>
      </p>
      {changeable && !current?.whatIf && <p class="soft">It can be applied once you have seen what it does.</p>}
      <Said said={said} />
      {current && current.problems.length > 0 && <Problems problems={current.problems} onShow={show} />}
      {current && <Effects considered={current} />}
    </>
  );
}
