#!/usr/bin/env python3
"""Answers each request with two bytes, once its head has come.

    app.py ADDRESS
"""

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class App(asyncio.Protocol):
    """One connection. Bodies are read and forgotten; nothing is answered before they are over."""

    def connection_made(self, transport):
        self._transport = transport
        self._got = b""

    def data_received(self, data):
        self._got += data
        while b"\r\n\r\n" in self._got:
            head, _, rest = self._got.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if b"chunked" in head.lower():
                if b"\r\n0\r\n\r\n" not in b"\r\n" + rest:
                    return
                rest = b""
            elif len(rest) < length:
                return
            self._got = rest[length:]
            self._transport.write(ANSWER)


async def main():
    """Until it is stopped."""
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.get_running_loop().create_server(App, host, int(port), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
