"""An application whose answers go on for ever, in a process of its own."""

import asyncio
import multiprocessing
import resource

BEATING = 400
BEAT_SECONDS = 0.05
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n.\r\n"


class Application:
    """Answers `/kept` and `/lost` with streams, and anything else with a word."""

    def __init__(self):
        ours, theirs = multiprocessing.Pipe()
        self._pipe = ours
        self._process = multiprocessing.get_context("fork").Process(target=_run, args=(theirs,), daemon=True)
        self._process.start()
        self.address = ours.recv()

    def counts(self):
        """How many streams of either kind are open."""
        self._pipe.send(None)
        return self._pipe.recv()

    def stop(self):
        """Ends it."""
        self._process.terminate()
        self._process.join()


def _run(pipe):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_Served(pipe).serve())


class _Served:
    def __init__(self, pipe):
        self._pipe = pipe
        self._open = {b"/kept": 0, b"/lost": 0}
        self._beating = set()

    async def serve(self):
        """Serves for ever."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=4096)
        self._pipe.send("{}:{}".format(*server.sockets[0].getsockname()))
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._tell)
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for writer in self._beating:
                writer.write(b"1\r\n.\r\n")

    def _tell(self):
        self._pipe.recv()
        self._pipe.send((self._open[b"/kept"], self._open[b"/lost"]))

    async def _answer(self, reader, writer):
        path = None
        try:
            while path not in self._open:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1]
                if path not in self._open:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            self._open[path] += 1
            writer.write(HEAD)
            if path == b"/kept" and len(self._beating) < BEATING:
                self._beating.add(writer)
            while await reader.read(1 << 16):
                pass
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            if path in self._open:
                self._open[path] -= 1
            self._beating.discard(writer)
            writer.close()
