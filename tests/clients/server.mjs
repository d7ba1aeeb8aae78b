// The server side: an echo by `ws` with compression, and socket.io, behind one HTTP server. Prints its port.
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { Server } from 'socket.io';

const server = http.createServer((request, response) => {
  if (request.url.startsWith('/socket.io')) return;
  if (request.url === '/refuse') { response.writeHead(401, { 'WWW-Authenticate': 'Basic' }); return response.end('who are you?'); }
  response.end(request.url === '/page' ? '<!doctype html><title>page</title>' : 'ok');
});
const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 << 20, perMessageDeflate: { threshold: 0 } });
new Server(server, { destroyUpgrade: false }).on('connection', socket => socket.on('echo', (value, done) => done(value)));
server.on('upgrade', (request, socket, head) => {
  const path = request.url.split('?')[0];
  if (path.startsWith('/socket.io')) return;
  if (path === '/refuse') return socket.end('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 12\r\n\r\nwho are you?');
  sockets.handleUpgrade(request, socket, head, ws => {
    const close = new URL(request.url, 'http://x').searchParams.get('close');
    ws.on('error', () => {});  // it has closed with the code that says why
    ws.on('message', (data, isBinary) => close ? ws.close(Number(close), 'as asked') : ws.send(data, { binary: isBinary }));
  });
});
server.listen(0, '127.0.0.1', () => console.error(`ready on ${server.address().port}`));
