"""Callers that go on and on, and count what went wrong; a polite HTTP/1.1 client, that wrk is not."""

import http.client
import threading


class Load:
    """Some threads with a kept-alive connection each, asking `path` until `stop`, or until nobody listens any more.

    An answer with `connection: close` is obeyed. A failure is a request that was sent and not answered with 200.
    """

    def __init__(self, case, entry, threads=8, path="/load"):
        self.answered = 0
        self.failures = []
        self.turned_away = 0
        self._entry = entry
        self._path = path
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()
        case.at_the_end(self.stop)

    def stop(self):
        """Ends the load and waits for the last answers."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def over(self):
        """Whether all threads have ended by themselves: nobody listens any more."""
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self):
        while not self._stopping.is_set():
            connection = _Counting(self._entry, timeout=20)
            try:
                connection.connect()
            except OSError:
                with self._lock:
                    self.turned_away += 1
                return
            try:
                self._use(connection)
            except (OSError, http.client.HTTPException) as error:
                with self._lock:
                    self.failures.append(f"{error!r} after {connection.answers} answers on the connection")
            finally:
                connection.close()

    def _use(self, connection):
        while not self._stopping.is_set():
            connection.request("GET", self._path)
            answer = connection.getresponse()
            answer.read()
            connection.answers += 1
            with self._lock:
                self.answered += 1
                if answer.status != 200:
                    self.failures.append(f"status {answer.status}")
            if answer.will_close:
                return


class _Counting(http.client.HTTPConnection):
    answers = 0
