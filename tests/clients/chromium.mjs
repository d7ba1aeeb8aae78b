// Headless Chromium opens the demo page at URL, chats with itself, and sends 1 MiB through /echo. Speaks the DevTools protocol.
// Arguments: URL [--FLAG of the browser's...] [SCREENSHOT]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';

const url = process.argv[2];
const flags = process.argv.slice(3).filter(argument => argument.startsWith('--'));
const [screenshot] = process.argv.slice(3).filter(argument => !argument.startsWith('--'));
const profile = mkdtempSync(join(tmpdir(), 'passerelle-chromium-'));
const browser = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--ignore-certificate-errors', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...flags, 'about:blank'], { stdio: 'ignore' });
// The browser's children write on for a moment after it is killed: what they leave behind is the temporary folder's.
process.on('exit', () => { browser.kill('SIGKILL'); try { rmSync(profile, { recursive: true, force: true }); } catch { /* still being written */ } });
const patience = setTimeout(() => { console.error('chromium: no end after 90 s'); process.exit(1); }, 90000);

async function devtools() {
  for (;;) {
    try {
      const [port] = readFileSync(join(profile, 'DevToolsActivePort'), 'utf8').split('\n');
      const pages = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
      const page = pages.find(p => p.type === 'page');
      if (page) return page.webSocketDebuggerUrl;
    } catch { /* not there yet */ }
    await pause(50);
  }
}

const page = new WebSocket(await devtools());
await new Promise(resolve => page.once('open', resolve));
let next = 0;
const waiting = new Map();
page.on('message', data => { const message = JSON.parse(data); waiting.get(message.id)?.(message); });
const call = (method, params = {}) => new Promise(resolve => { waiting.set(++next, resolve); page.send(JSON.stringify({ id: next, method, params })); });
const evaluate = async expression => {
  const answer = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
  if (answer.result?.exceptionDetails) throw new Error(JSON.stringify(answer.result.exceptionDetails));
  return answer.result?.result?.value;
};

await call('Page.enable');
await call('Page.navigate', { url });
while (!(await evaluate(`document.getElementById('state')?.className === 'open'`))) await pause(50);
await evaluate(`document.getElementById('text').value = 'hello from chromium'; document.getElementById('form').requestSubmit()`);
while (!(await evaluate(`document.getElementById('log').textContent.includes('hello from chromium')`))) await pause(50);
const echoed = await evaluate(`new Promise((resolve, reject) => {
  const socket = new WebSocket(location.href.replace(/^http/, 'ws') + 'echo'); socket.binaryType = 'arraybuffer';
  const sent = new Uint8Array(1 << 20).map((_, i) => i * 7);
  socket.onopen = () => socket.send(sent);
  socket.onerror = () => reject(new Error('socket'));
  socket.onmessage = event => { const got = new Uint8Array(event.data); socket.onclose = closed => resolve([got.every((b, i) => b === sent[i]), got.length, closed.code]); socket.close(4002); };
})`);
if (JSON.stringify(echoed) !== JSON.stringify([true, 1 << 20, 4002])) { console.error('chromium: ' + JSON.stringify(echoed)); process.exit(1); }
if (screenshot) {
  const { writeFileSync } = await import('node:fs');
  writeFileSync(screenshot, Buffer.from((await call('Page.captureScreenshot')).result.data, 'base64'));
}
clearTimeout(patience);
console.log('chromium ok');
process.exit(0);
