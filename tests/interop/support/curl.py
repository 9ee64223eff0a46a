"""curl as a caller."""

import subprocess
from dataclasses import dataclass

REFUSED = {35, 52, 55, 56}
"""TLS connect error, empty reply, send failure, receive failure.

With TLS 1.3 a client has finished its handshake before the server has looked at its certificate, so that a refusal
meets it in one of these.
"""


@dataclass(frozen=True)
class Answer:
    """How a curl ended. `status` is 0 when there was no answer."""

    exit: int
    status: int
    version: str
    body: str
    said: str


def curl(url, *options, svid=None, http="--http1.1", uid=None):
    """One request. The server's name is not checked (an SVID has none); whoever calls us is what these tests ask."""
    user = [] if uid is None else ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    command = [*user, "curl", "--silent", "--show-error", "--insecure", "--max-time", "20", http]
    if svid:
        command += ["--cert", str(svid.certificate), "--key", str(svid.key)]
    command += ["--write-out", "\n%{http_code} %{http_version}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
    body, _, last = done.stdout.rpartition("\n")
    status, version = last.split(" ")
    return Answer(done.returncode, int(status), version, body, done.stderr.strip())
