// Node's own HTTP/2 against https://HOST:PORT: requests, and COUNT WebSockets (RFC 8441) on one connection, one of which reads nothing.
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';

const [base, count] = [process.argv[2], Number(process.argv[3] ?? 200)];
const session = connect(base, { rejectUnauthorized: false });
await once(session, 'remoteSettings');
assert.equal(session.alpnProtocol, 'h2');
assert.equal(session.remoteSettings.enableConnectProtocol, true);

function frame(payload) {
  const mask = randomBytes(4);
  const head = payload.length < 126 ? Buffer.from([0x82, 0x80 | payload.length]) : Buffer.from([0x82, 0xfe, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, mask, Buffer.from(payload.map((byte, i) => byte ^ mask[i & 3]))]);
}

async function open(path) {
  const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, 'sec-websocket-version': '13' }, { endStream: false });
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 200);
  return stream;
}

// Reads until a whole unmasked frame with that payload is there.
async function echo(stream, payload) {
  stream.write(frame(payload));
  const size = payload.length + (payload.length < 126 ? 2 : 4);
  let got = Buffer.alloc(0);
  while (got.length < size) got = Buffer.concat([got, stream.read() ?? (await once(stream, 'readable'), stream.read() ?? Buffer.alloc(0))]);
  assert.ok(got.subarray(size - payload.length).equals(payload), 'an echo came back changed');
}

async function fetchText(path) {
  const request = session.request({ ':path': path });
  let text = '';
  request.setEncoding('utf8').on('data', piece => { text += piece; });
  await once(request, 'end');
  return text;
}

assert.equal(await fetchText('/x'), 'ok');
const streams = await Promise.all(Array.from({ length: count }, () => open('/echo')));
const stalled = await open('/echo');
for (let i = 0; i < 3; i++) stalled.write(frame(randomBytes(60000)));
for (let round = 0; round < 3; round++) await Promise.all(streams.map(stream => echo(stream, randomBytes(1 + Math.floor(Math.random() * 200)))));
assert.equal(await fetchText('/x'), 'ok');
session.destroy();
console.log('http2 ok');
