"""`init-net` prints, applies and takes away rules; nft itself says what is in force."""

import json

from support.network import Machine

TABLE = ("nft", "list", "table", "inet", "portreeve")
WITHOUT_LEAVE = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")


def test(case):
    machine = Machine(case)
    config = case.write("portreeve.yaml", json.dumps(CONFIG))
    config.chmod(0o644)

    def init_net(*words, **options):
        return machine.attempt(case.binary, "init-net", *words, **options)

    order = ("--config", config, "--uid", "1337", "--exclude-outbound-ports", "25,587")
    printed = init_net(*order)
    assert printed.returncode == 0, printed
    for rule in ("meta skuid 1337 accept", "tcp dport 25 accept", "tcp dport 587 accept", "redirect to :15101"):
        assert rule in printed.stdout, printed.stdout
    # A kubelet's probes come in the clear; the operator's window is on loopback.
    assert "tcp dport 9901 accept" in printed.stdout and "15020" not in printed.stdout, printed.stdout
    assert machine.attempt(*TABLE).returncode != 0, "printing has put rules in force"

    # What is printed can be loaded by hand, and is what --apply loads; twice is as good as once.
    rules = case.write("printed.nft", printed.stdout)
    machine.run("nft", "add", "table", "inet", "others")
    machine.run("nft", "-f", rules)
    by_hand = machine.run(*TABLE)
    for _ in range(2):
        assert init_net(*order, "--apply").returncode == 0
        assert machine.run(*TABLE) == by_hand
    narrower = init_net("--config", config, "--uid", "1337", "--apply")
    assert narrower.returncode == 0, narrower
    assert "dport 25 accept" not in machine.run(*TABLE)

    for _ in range(2):
        removed = init_net("--remove")
        assert removed.returncode == 0, removed
        assert machine.run("nft", "list", "tables") == "table inet others\n"

    # Without leave, or without nft, nothing changes, and it is said why.
    refused = machine.attempt(*WITHOUT_LEAVE, case.binary, "init-net", *order, "--apply")
    assert refused.returncode == 1 and "CAP_NET_ADMIN" in refused.stderr, refused
    missing = init_net(*order, "--apply", env={"PATH": "/nonexistent"})
    assert missing.returncode == 1 and "install nftables" in missing.stderr, missing
    assert machine.run("nft", "list", "tables") == "table inet others\n"

    # Words that cannot be meant are told before anything is done.
    for words, complaint in (
        (("--apply",), "--config"),
        (("--apply", "--remove"), "cannot be used with"),
        ((*order, "--exclude-networks", "10.0.0.1/8"), "bits behind its prefix"),
        ((*order, "--exclude-inbound-ports", "0"), "--exclude-inbound-ports"),
        ((*order, "--exclude-uids", "web"), "--exclude-uids"),
    ):
        wrong = init_net(*words)
        assert wrong.returncode == 2 and complaint in wrong.stderr, wrong
    hidden = case.write("hidden.yaml", json.dumps({**CONFIG, "inbound": {**CONFIG["inbound"], "listen": "127.0.0.1:15006"}}))
    wrong = init_net("--config", hidden, "--uid", "1337")
    assert wrong.returncode == 1 and "is on loopback" in wrong.stderr, wrong


CONFIG = {
    "trust_domain": "example.org",
    "identity": {"embedded": {"dir": "ca", "id": "spiffe://example.org/web"}},
    "inbound": {
        "listen": "0.0.0.0:15006", "service": "web", "app": "127.0.0.1:8080",
        "probes": {"listen": "0.0.0.0:9901", "paths": ["/healthz"]},
    },
    "admin": {"listen": "127.0.0.1:15020"},
    "outbound": [
        {"captures": ["10.96.0.12:80"], "to": "orders:15006", "expect": "spiffe://example.org/orders", "service": "orders"}
    ],
    "transparent": {"listen": "127.0.0.1:15101"},
    "policy": {"dir": "policy"},
    "audit": {"stdout": True},
}
