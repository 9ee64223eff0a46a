"""X25519MLKEM768 when the peer offers it (PyPI's OpenSSL does), X25519 with one that cannot (Debian 12's)."""

import socket
import subprocess

from OpenSSL import SSL
from support.app import App
from support.sidecar import WEB
from support.sidecar import start_inbound


def test(case):
    sidecar = start_inbound(case, App(case).address)
    svid = case.trust_domain.svid(WEB)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.use_certificate_chain_file(str(svid.certificate))
    context.use_privatekey_file(str(svid.key))
    context.load_verify_locations(str(case.trust_domain.bundle))
    context.set_verify(SSL.VERIFY_PEER)
    context.set_alpn_protos([b"h2"])
    host, port = sidecar.inbound.split(":")
    plain = socket.create_connection((host, int(port)), timeout=10)
    plain.settimeout(None)
    secure = SSL.Connection(context, plain)
    secure.set_connect_state()
    secure.do_handshake()
    assert secure.get_group_name() == "X25519MLKEM768", secure.get_group_name()
    assert secure.get_alpn_proto_negotiated() == b"h2"
    secure.close()

    done = subprocess.run(
        ["openssl", "s_client", "-connect", sidecar.inbound, "-cert", svid.certificate, "-key", svid.key,
         "-alpn", "h2", "-groups", "X25519", "-brief"],
        input="", capture_output=True, text=True, errors="replace", timeout=20, check=False,
    )
    assert "X25519, 253 bits" in done.stdout + done.stderr, done
