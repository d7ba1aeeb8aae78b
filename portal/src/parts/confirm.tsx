// A button that asks once more, in place, before it does something; and what came of it, in a place that is always there, so that it is read out.
import { useEffect, useRef, useState } from 'preact/hooks';

interface Asked { label: string; name: string; question: string; onSure: () => Promise<void>; onAsking?: (asking: boolean) => void }

export function Sure({ label, name, question, onSure, onAsking }: Asked) {
  const [asking, set_asking] = useState(false);
  const busy = useRef(false);
  const no = useRef<HTMLButtonElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const was_asking = useRef(false);
  useEffect(() => {
    // What is safe has the focus first; a key that is held down does nothing.
    if (asking) no.current?.focus();
    else if (was_asking.current) opener.current?.focus();
    was_asking.current = asking;
  }, [asking]);
  useEffect(() => () => { if (was_asking.current) onAsking?.(false); }, []);
  const ask = (now: boolean): void => { set_asking(now); onAsking?.(now); };
  const go = async (): Promise<void> => {
    if (busy.current) return;
    busy.current = true;
    try { await onSure(); } finally { busy.current = false; ask(false); }
  };
  if (!asking) return <button ref={opener} onClick={() => { ask(true); }} aria-label={`${label} ${name}`}>{label}</button>;
  return (
    <span class="sure" role="group" aria-label={question} onKeyDown={event => { if (event.key === 'Escape') ask(false); }}>
      <span>{question}</span>
      <button class="danger" onClick={() => void go()}>Yes</button>
      <button ref={no} onClick={() => { ask(false); }}>No</button>
    </span>
  );
}

export interface Words { words: string; kind: 'good' | 'bad' | 'warn' | '' }

export function Said({ said }: { said: Words | undefined }) {
  return <div role="status" aria-live="polite">{said && <p class={`notice ${said.kind}`}>{said.words}</p>}</div>;
}

export function Trouble({ error }: { error: string }) {
  return error ? <p class="notice bad" role="alert">{error}</p> : null;
}
