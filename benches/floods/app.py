#!/usr/bin/env python3
"""Answers each request with two bytes, once its body is over.

    app.py ADDRESS
"""

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LAST_CHUNK = b"\r\n0\r\n\r\n"


class App(asyncio.Protocol):
    """One connection. Bodies are read and forgotten, however small the pieces are that they come in."""

    def connection_made(self, transport):
        self._transport = transport
        self._got = b""
        self._left = 0
        self._is_chunked = False

    def data_received(self, data):
        self._got += data
        while self._got:
            if self._is_chunked:
                if not self._got.endswith(LAST_CHUNK):
                    # As much as the end may have begun in.
                    self._got = self._got[-len(LAST_CHUNK):]
                    return
                self._got, self._is_chunked = b"", False
                self._transport.write(ANSWER)
            elif self._left:
                taken = min(self._left, len(self._got))
                self._got, self._left = self._got[taken:], self._left - taken
                if not self._left:
                    self._transport.write(ANSWER)
            elif not self._head():
                return

    def _head(self):
        """Takes a head, if there is a whole one."""
        head, end, rest = self._got.partition(b"\r\n\r\n")
        if not end:
            return False
        head = head.lower()
        self._left = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        self._is_chunked = b"transfer-encoding: chunked" in head
        # The end of an empty body is told by what ends the head, too.
        self._got = b"\r\n" + rest if self._is_chunked else rest
        if not self._left and not self._is_chunked:
            self._transport.write(ANSWER)
        return True


async def main():
    """Until it is stopped."""
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.get_running_loop().create_server(App, host, int(port), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
