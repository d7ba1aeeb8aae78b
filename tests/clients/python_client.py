"""Python's `websockets` against a ws:// or wss:// URL."""
import asyncio
import os
import ssl
import sys

import websockets


async def main(url):
    trusting = None
    if url.startswith("wss"):
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
    for compression in ("deflate", None):
        async with websockets.connect(url + "/echo", ssl=trusting, max_size=None, compression=compression) as socket:
            for size in (1, 125, 126, 65535, 65536, 1 << 20, 16 << 20):
                payload = os.urandom(size)
                await socket.send(payload)
                assert await socket.recv() == payload, size
            await socket.send(["frag", "ment", "ed"])
            assert await socket.recv() == "fragmented"
            await (await socket.ping(b"hello"))
    socket = await websockets.connect(url + "/echo?close=4003", ssl=trusting)
    await socket.send("go")
    try:
        await socket.recv()
        raise AssertionError("still open")
    except websockets.ConnectionClosed as closed:
        assert (closed.rcvd.code, closed.rcvd.reason) == (4003, "as asked"), closed


asyncio.run(main(sys.argv[1]))
print("python ok")
