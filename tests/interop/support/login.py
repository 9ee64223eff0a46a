"""A person's programs: `portreeve login`, `token` and `logout` as they are typed."""

import subprocess

from support.wait import until


class Machine:
    """One machine of a person's, with a home of its own."""

    def __init__(self, case, name, site, roots):
        self.case = case
        self.name = name
        self.site = site
        self.roots = roots
        self.state = case.directory / name
        self._logins = 0

    def folder(self):
        """Where tokens are kept."""
        return self.state / "portreeve"

    def files(self):
        """What is kept."""
        return sorted(self.folder().iterdir()) if self.folder().exists() else []

    def run(self, *words):
        """Exit code, what is printed, and what is complained of."""
        done = subprocess.run(self._command(*words), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def login(self, *words):
        """A login that has begun; the place that it shows, with the code in it."""
        self._logins += 1
        command = self._command("login", self.site, "--roots", self.roots, *words)
        program = self.case.start(f"{self.name}-login-{self._logins}", command)

        def shown():
            lines = [line.strip() for line in program.stdout.read_text().split("\n")]
            complete = [line for line in lines if "user_code=" in line]
            return complete or not program.running()

        until(shown, "a login to show where to go")
        lines = [line.strip() for line in program.stdout.read_text().split("\n")]
        places = [line for line in lines if "user_code=" in line]
        assert places, program.last_words()
        return program, places[0]

    def token(self):
        """What programs show."""
        code, printed, said = self.run("token", self.site)
        assert code == 0, said
        return printed

    def _command(self, *words):
        words = [str(word) for word in words]
        return ["env", f"XDG_STATE_HOME={self.state}", str(self.case.binary), *words]
