// Clients nobody here wrote, against http://HOST:PORT or https://HOST:PORT. Exits 1 with the first failure's words.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import WebSocket from 'ws';
import { Agent, WebSocket as UndiciWebSocket, fetch } from 'undici';
import { io } from 'socket.io-client';

const base = process.argv[2];
const url = base.replace(/^http/, 'ws');
const trusting = { rejectUnauthorized: false };

async function open(path, options = {}) {
  const socket = new WebSocket(url + path, { ...trusting, maxPayload: 64 << 20, ...options });
  await once(socket, 'open');
  return socket;
}

async function echo(socket, payload) {
  const answer = once(socket, 'message');
  socket.send(payload);
  const [data, isBinary] = await answer;
  assert.equal(isBinary, typeof payload !== 'string');
  assert.ok(Buffer.from(payload).equals(data), `${payload.length} bytes came back changed`);
}

async function sizes(perMessageDeflate) {
  const socket = await open('/echo', { perMessageDeflate });
  assert.equal(socket.extensions.includes('permessage-deflate'), perMessageDeflate);
  for (const size of [1, 125, 126, 65535, 65536, 1 << 20, 16 << 20]) {
    await echo(socket, randomBytes(size));
    await echo(socket, 'é'.repeat(size / 2) + 'x');
  }
  const closed = once(socket, 'close');
  socket.close(1000);
  assert.equal((await closed)[0], 1000);
}

async function fragments() {
  const socket = await open('/echo', { perMessageDeflate: false });
  const answer = once(socket, 'message');
  for (let i = 0; i < 99; i++) socket.send(`${i},`, { fin: false });
  socket.ping('in between');
  socket.send('99', { fin: true });
  assert.equal(String((await answer)[0]), Array.from({ length: 100 }, (_, i) => i).join(','));
  const pong = once(socket, 'pong');
  socket.ping('hello');
  assert.equal(String((await pong)[0]), 'hello');
  socket.terminate();
}

async function closeCodes() {
  for (const code of [1000, 1001, 1008, 1011, 3000, 4999]) {
    const socket = await open('/echo?close=' + code);
    const closed = once(socket, 'close');
    socket.send('go');
    const [seen, reason] = await closed;
    assert.deepEqual([seen, String(reason)], [code, 'as asked']);
    const other = await open('/echo');
    const left = once(other, 'close');
    other.close(code, 'mine');
    assert.equal((await left)[0], code);
  }
}

async function refusal() {
  const socket = new WebSocket(url + '/refuse', trusting);
  const [, response] = await once(socket, 'unexpected-response');
  assert.equal(response.statusCode, 401);
  assert.equal(response.headers['www-authenticate'], 'Basic');
  response.resume();
}

async function undici() {
  const dispatcher = new Agent({ connect: trusting });
  const socket = new UndiciWebSocket(url + '/echo', { dispatcher });
  socket.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = event => reject(event.error ?? new Error('undici')); });
  for (const size of [1, 70000, 1 << 20]) {
    const payload = randomBytes(size);
    const answer = new Promise(resolve => { socket.onmessage = event => resolve(event.data); });
    socket.send(payload);
    assert.ok(payload.equals(Buffer.from(await answer)));
  }
  const closed = new Promise(resolve => { socket.onclose = resolve; });
  socket.close(3001, 'done');
  assert.equal((await closed).code, 3001);
  assert.equal(await (await fetch(base + '/x', { dispatcher })).text(), 'ok');
  await dispatcher.close();
}

async function socketIo() {
  for (const transports of [['websocket'], ['polling', 'websocket'], ['polling']]) {
    const socket = io(base, { transports, forceNew: true, reconnection: false, ...trusting });
    await once(socket, 'connect');
    assert.equal((await socket.emitWithAck('echo', { text: 'é'.repeat(1000) })).text.length, 1000);
    if (transports.length > 1 && socket.io.engine.transport.name !== 'websocket') {
      await once(socket.io.engine, 'upgrade');
    }
    assert.equal((await socket.emitWithAck('echo', Buffer.alloc(300000))).length, 300000);
    socket.close();
  }
}

for (const [name, run] of Object.entries({ plain: () => sizes(false), compressed: () => sizes(true), fragments, closeCodes, refusal, undici, socketIo })) {
  const patience = setTimeout(() => { console.error(`${name}: no end after 120 s`); process.exit(1); }, 120000);
  try { await run(); } catch (error) { console.error(`${name}: ${error?.stack ?? error}`); process.exit(1); }
  clearTimeout(patience);
  console.log(`${name} ok`);
}
process.exit(0);
