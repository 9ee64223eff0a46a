"""A real terminal, tmux's, in which a person types."""

import subprocess

from support.wait import until


class Terminal:
    """One of so many columns and rows, with a shell in it."""

    def __init__(self, case, columns=120, rows=30):
        self._socket = str(case.directory / "tmux")
        shell = "env -u NO_COLOR PS1='$ ' sh"
        self._tmux("new-session", "-d", "-c", str(case.directory), "-x", str(columns), "-y", str(rows), shell)
        self._tmux("set-option", "-g", "status", "off")
        # Until somebody says a size, tmux may choose another: nobody looks.
        self.resize(columns, rows)
        case.at_the_end(self._tmux, "kill-server")
        self.shows("$")

    def type(self, line):
        """Types `line` and Enter."""
        self._tmux("send-keys", "-l", str(line))
        self.press("Enter")

    def press(self, key):
        """Presses a key, as tmux calls it."""
        self._tmux("send-keys", key)

    def resize(self, columns, rows):
        """Gives the terminal another size."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def text(self):
        """What can be read."""
        return self._tmux("capture-pane", "-p", "-J")

    @property
    def coloured(self):
        """The same with its colours."""
        return self._tmux("capture-pane", "-p", "-J", "-e")

    def is_on(self, what):
        """Whether a flag of the terminal's, as tmux calls it, is set."""
        return self._tmux("display-message", "-p", f"#{{{what}}}").strip() == "1"

    def shows(self, words):
        """Waits until `words` can be read."""
        self.comes_to(lambda text: words in text, f"`{words}` on the terminal")

    def comes_to(self, is_so, what):
        """Waits until it can be read."""
        try:
            until(lambda: is_so(self.text), what, 20)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.text}") from None

    def _tmux(self, *words):
        return subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", self._socket, *words], capture_output=True, text=True, timeout=20, check=True
        ).stdout
