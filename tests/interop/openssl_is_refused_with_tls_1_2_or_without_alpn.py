"""What `openssl s_client` may negotiate: TLS 1.3 with h2 or http/1.1, and nothing else."""

import re
import subprocess

from support.app import App
from support.sidecar import WEB
from support.sidecar import start_inbound


def test(case):
    sidecar = start_inbound(case, App(case).address)
    svid = case.trust_domain.svid(WEB)

    def s_client(*options):
        # The server speaks after the client's end of the handshake: ask for something, so that its refusal is read.
        done = subprocess.run(
            ["openssl", "s_client", "-connect", sidecar.inbound, "-cert", svid.certificate, "-key", svid.key,
             "-CAfile", case.trust_domain.bundle, "-verify_return_error", "-ign_eof", *options],
            input="GET / HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\r\n",
            capture_output=True, text=True, errors="replace", timeout=20, check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, said = s_client("-tls1_3", "-alpn", "http/1.1")
    assert code == 0 and "New, TLSv1.3" in said and "HTTP/1.1 200" in said, said
    assert "ALPN protocol: http/1.1" in said and "Verification: OK" in said, said
    _, said = s_client("-tls1_3", "-alpn", "h2", "-no_ign_eof")
    assert "ALPN protocol: h2" in said, said
    # 0-RTT and resumption are off: there is no ticket to take home.
    assert "New Session Ticket" not in said and "Max Early Data: 0" not in said, said

    refused = {
        "TLS 1.2": ("-tls1_2", "-alpn", "http/1.1"),
        "no ALPN": ("-tls1_3",),
        "an ALPN we do not know": ("-tls1_3", "-alpn", "http/1.0,spdy/3"),
    }
    # rustls has no alert for a client without ALPN: it is hung up on, and reads an end or, if it had written, a reset.
    ending = r"alert (protocol version|no application protocol)|unexpected eof|errno=104"
    for what, options in refused.items():
        code, said = s_client(*options)
        assert not re.search(r"^HTTP/1.1", said, re.MULTILINE), (what, said)
        assert re.search(ending, said), (what, said)
    assert sidecar.record(decision="refused", reason="no_alpn")
