"""An HTTP/2 client of few words (RFC 9113), for tests that need the frames in hand: it sends whatever it is told to, sound or not."""
import contextlib
import socket
import ssl
import struct

import hpack

from harness import PATIENCE

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, WITH_PRIORITY, ACK = 1, 4, 8, 0x20, 1
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(12)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, ENABLE_CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES = 1, 2, 3, 4, 5, 6, 8, 9
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def settings(**values):
    return frame(SETTINGS, payload=b"".join(struct.pack("!HI", globals()[name], value) for name, value in values.items()))


def integer(value, prefix_bits, first=0):
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([first | value])
    out, value = bytes([first | limit]), value - limit
    while value > 127:
        out, value = out + bytes([128 | value & 127]), value >> 7
    return out + bytes([value])


def literal(name, value):
    """A field that goes into no table, so that whatever is in it arrives as it stands."""
    name, value = (v.encode() if isinstance(v, str) else v for v in (name, value))
    return b"\x00" + integer(len(name), 7) + name + integer(len(value), 7) + value


def head(fields):
    return b"".join(literal(name, value) for name, value in fields)


def request(path="/", method="GET", host="gw.test", scheme="https", fields=()):
    return [(":method", method), (":scheme", scheme), (":authority", host), (":path", path), *fields]


def websocket(path="/echo", fields=(), host="gw.test", protocol="websocket"):
    return [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "https"), (":authority", host), (":path", path), ("sec-websocket-version", "13"), *fields]


def tls_context(*protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    return context


class Stream:
    def __init__(self):
        self.heads, self.data, self.ended, self.reset = [], b"", False, None

    @property
    def fields(self):
        return dict(self.heads[-1]) if self.heads else {}

    @property
    def status(self):
        return int(dict(self.heads[0])[":status"]) if self.heads else None

    @property
    def over(self):
        return self.ended or self.reset is not None


class Http2:
    """A connection. `streams` holds what came; each wait reads until it is true, or the connection ends."""

    def __init__(self, port, preface=PREFACE + settings(), gives_room=True, timeout=PATIENCE, context=None, name="server.example.com"):
        raw = socket.create_connection(("127.0.0.1", port), timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = (context or tls_context("h2", "http/1.1")).wrap_socket(raw, server_hostname=name)
        except BaseException:
            raw.close()
            raise
        assert self.socket.selected_alpn_protocol() == "h2", self.socket.selected_alpn_protocol()
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.buffer = b""
        self.block = b""
        self.gives_room = gives_room
        self.streams = {}
        self.settings = {}
        self.goaways = []  # (last stream, error)
        self.pings = 0
        self.frames = 0
        self.acknowledged = 0
        self.window = 65535
        self.windows = {}  # by stream: what we may send
        self.ended = False
        self.next = 1
        if preface:
            self.send(preface)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *pieces):
        """Whether it could be sent."""
        try:
            self.socket.sendall(b"".join(pieces))
            return True
        except OSError:
            return False

    def frame(self, kind, flags=0, stream=0, payload=b""):
        return self.send(frame(kind, flags, stream, payload))

    def open(self, fields, end=True):
        """The number of a new stream with that head."""
        number, self.next = self.next, self.next + 2
        self.streams[number] = Stream()
        block = head(fields)
        pieces = [block[at:at + 16384] for at in range(0, len(block), 16384)]
        self.send(*(frame(CONTINUATION if i else HEADERS, (END_HEADERS if i == len(pieces) - 1 else 0) | (END_STREAM if end and i == 0 else 0), number, piece) for i, piece in enumerate(pieces)))
        return number

    def data(self, stream, payload, end=False):
        """Sends as the windows allow."""
        while True:
            room = min(self.window, self.windows.setdefault(stream, self.settings.get(INITIAL_WINDOW_SIZE, 65535)), 16384)
            piece, payload = payload[:max(room, 0)], payload[max(room, 0):]
            if piece or (end and not payload):
                self.window -= len(piece)
                self.windows[stream] -= len(piece)
                if not self.send(frame(DATA, END_STREAM if end and not payload else 0, stream, piece)):
                    return
            if not payload or self.stream(stream).reset is not None:
                return
            if room <= 0 and not self.read():
                return

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def read(self):
        """Takes what comes next; False at the end."""
        if self.ended:
            return False
        try:
            piece = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            if isinstance(error, TimeoutError):
                raise
            piece = b""
        if not piece:
            self.ended = True
            return False
        self.buffer += piece
        while len(self.buffer) >= 9:
            size = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + size:
                break
            kind, flags, number = self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
            payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
            self.frames += 1
            self.take(kind, flags, number, payload)
        return True

    def take(self, kind, flags, number, payload):
        if kind in (HEADERS, CONTINUATION):
            self.block += payload
            if flags & END_HEADERS:
                self.stream(number).heads.append(self.decoder.decode(self.block))
                self.block = b""
        elif kind == DATA:
            self.stream(number).data += payload
            if payload and self.gives_room:
                with contextlib.suppress(OSError):
                    self.give_room(number, len(payload))
        elif kind == RST_STREAM:
            self.stream(number).reset = int.from_bytes(payload, "big")
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack("!HI", payload[at:at + 6])
                if key == INITIAL_WINDOW_SIZE:
                    change = value - self.settings.get(key, 65535)
                    self.windows = {stream: room + change for stream, room in self.windows.items()}
                self.settings[key] = value
            self.send(frame(SETTINGS, ACK))
        elif kind == SETTINGS:
            self.acknowledged += 1
        elif kind == PING and flags & ACK:
            self.pings += 1
        elif kind == GOAWAY:
            last, error = struct.unpack("!II", payload[:8])
            self.goaways.append((last & 0x7FFFFFFF, error))
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            if number == 0:
                self.window += more
            else:
                self.windows[number] = self.windows.get(number, self.settings.get(INITIAL_WINDOW_SIZE, 65535)) + more
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.stream(number).ended = True

    def give_room(self, stream, size):
        self.send(*(frame(WINDOW_UPDATE, 0, number, size.to_bytes(4, "big")) for number in (0, stream)))

    def wait(self, condition, what):
        while not condition():
            if not self.read():
                assert condition(), f"the connection ended before: {what}; {self.goaways}"
                return

    def wait_end(self):
        while self.read():
            pass

    def fetch(self, fields, body=b""):
        """A whole exchange."""
        number = self.open(fields, end=not body)
        if body:
            self.data(number, body, end=True)
        return self.finish(number)

    def finish(self, number):
        self.wait(lambda: self.stream(number).over, f"the end of stream {number}")
        return self.streams[number]

    def accepted(self, number):
        """Waits for the answer's head."""
        self.wait(lambda: self.stream(number).heads or self.stream(number).reset is not None, f"an answer on stream {number}")
        return self.streams[number]

    def received(self, number, size):
        """The first `size` bytes of a stream, taken off it."""
        stream = self.stream(number)
        self.wait(lambda: len(stream.data) >= size or stream.over, f"{size} bytes on stream {number}")
        out, stream.data = stream.data[:size], stream.data[size:]
        return out

    def alive(self):
        """Whether a PING is answered."""
        before = self.pings
        if not self.frame(PING, payload=b"stillfit"):
            return False
        while self.pings == before:
            if not self.read():
                return False
        return True
