"""`portreeve injector files` again, while an API server asks: with the CA bundle from before or the next one, no pod is
refused. Then what has expired, and SIGTERM under load."""

import signal
import threading

from support.injector import Injector
from support.kubernetes import Tools
from support.kubernetes import named
from support.kubernetes import pod_of
from support.kubernetes import run
from support.wait import until


class Cluster:
    """Asks for pods without a pause, by whichever CA bundle it was last given."""

    def __init__(self, injector, pod):
        self.injector, self.pod = injector, pod
        self.roots = (injector.files / "injector-ca.crt").read_text()
        self.made, self.refused, self.end = 0, [], False
        self.thread = threading.Thread(target=self.ask)
        self.thread.start()

    def ask(self):
        """One after the other."""
        while not self.end:
            roots = self.injector.case.write("cluster-roots.crt", self.roots)
            try:
                assert self.injector.review(self.pod, roots=roots)["allowed"] is True
                self.made += 1
            except Exception as error:  # pylint: disable=broad-except
                self.refused.append(repr(error))

    def makes_more(self, pods=5):
        """Waits for some more pods; the first may have been asked for before."""
        before = self.made
        until(lambda: self.refused or self.made > before + pods, "more pods", 20)
        assert not self.refused, self.refused

    def stop(self):
        """The last one is answered."""
        self.end = True
        self.thread.join()


def test(case):
    tools = Tools(case)
    config = named(tools.kustomize("overlays/development"), "ConfigMap", "portreeve-injector")["data"]["injector.yaml"]
    injector = Injector(case, config, tools.files)
    pod = pod_of(named(tools.kustomize("example"), "Deployment", "orders"), "shop")
    cluster = Cluster(injector, pod)
    try:
        before = serial(injector)
        cluster.makes_more()
        ca = injector.files / "injector-ca.crt"
        first = ca.read_text()
        root = (injector.files / "root.crt").read_text()
        # The cluster is told of the next CA first, as `kubectl apply` does with the configuration of webhooks.
        kept = {name: (injector.files / name).read_bytes() for name in ["injector.crt", "injector.key"]}
        tools.make_files()
        following = {name: (injector.files / name).read_bytes() for name in kept}
        assert ca.read_text().endswith(first) and ca.read_text() != first
        assert (injector.files / "root.crt").read_text() == root
        for name, content in kept.items():
            (injector.files / name).write_bytes(content)
        until(lambda: serial(injector) == before, "the first certificate to be shown again")
        cluster.refused.clear()
        cluster.roots = ca.read_text()
        cluster.makes_more()
        # A key without its certificate is not shown; the pair is.
        (injector.files / "injector.key").write_bytes(following["injector.key"])
        cluster.makes_more()
        assert serial(injector) == before
        (injector.files / "injector.crt").write_bytes(following["injector.crt"])
        until(lambda: serial(injector) != before, "the next certificate to be shown")
        cluster.makes_more()
        assert injector.ask_admin("/readyz")[0] == 200
        injector.program.signal(signal.SIGTERM)
        until(lambda: injector.ask_admin("/readyz")[0] == 503, "the drain to be said")
        cluster.makes_more(1)
    finally:
        cluster.stop()
    assert injector.program.ended() == 0, injector.program.last_words()
    late(case, tools, config)


def late(case, tools, config):
    """A year later: ready it is not, and it says what to do; a month before it says so, and is ready."""
    for days, ready, said in [(345, 200, "certificate_ends_soon"), (366, 503, "certificate_expired")]:
        directory = case.directory / f"late-{days}"
        directory.mkdir()
        late_case = Late(case, directory, days)
        injector = Injector(late_case, config, tools.files)
        status, text = injector.ask_admin("/readyz")
        assert status == ready and said in text, (days, status, text)
        injector.program.stop()


class Late:
    """A test's place in the world, whose programs live so many days later."""

    def __init__(self, case, directory, days):
        self.case, self.directory, self.days = case, directory, days
        self.binary, self.address = case.binary, case.address

    def start(self, name, command):
        """The same program, with another calendar."""
        return self.case.start(f"{name}-{self.days}", ["faketime", "-f", f"+{self.days}d", *command])


def serial(injector):
    """The number of the certificate that is shown."""
    host, port = injector.address.rsplit(":", 1)
    shown = run(["python3", "-c", f"import ssl; print(ssl.get_server_certificate(('{host}', {port})))"])
    path = injector.case.write("shown.crt", shown)
    return run(["openssl", "x509", "-noout", "-serial", "-in", path])
