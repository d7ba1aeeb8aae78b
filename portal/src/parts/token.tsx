// Asks for the token when the first thing is to be done that needs it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { on_token_wanted } from '../api';

export function TokenDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const answer = useRef<(token: string) => void>(() => {});
  const [wrong, set_wrong] = useState(false);
  useEffect(() => {
    on_token_wanted(was_wrong => new Promise(resolve => {
      answer.current = resolve;
      set_wrong(was_wrong);
      if (field.current) field.current.value = '';
      dialog.current?.showModal();
    }));
  }, []);
  const end = (token: string): void => { dialog.current?.close(); answer.current(token); };
  return (
    <dialog ref={dialog} aria-labelledby="token-title" onCancel={() => { answer.current(''); }}>
      <form method="dialog" onSubmit={event => { event.preventDefault(); end(field.current?.value.trim() ?? ''); }}>
        <h2 id="token-title">The admin token</h2>
        <p>What changes something needs it. It is in the file <code>token</code> of the state folder: the gateway says where when it starts.</p>
        {!window.isSecureContext && <p class="notice warn">This page came over plain HTTP from another machine: whoever is between can read the token. Use --admin-tls, or an SSH tunnel.</p>}
        {wrong && <p class="notice bad" role="alert">This is not the token.</p>}
        <label>Token <input ref={field} type="password" autocomplete="off" name="token" required /></label>
        <p class="actions"><button class="primary">Go on</button> <button type="button" onClick={() => { end(''); }}>Cancel</button></p>
      </form>
    </dialog>
  );
}
