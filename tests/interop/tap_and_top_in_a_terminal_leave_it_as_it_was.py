"""In a real terminal: decisions as they happen, a table that follows the size, and afterwards all as it was before."""

import json
import subprocess

from support.curl import curl
from support.terminal import Terminal
from support.wait import until
from support.watched import Watched


def test(case):
    pair = Watched(case)
    admin = pair.server.admin
    terminal = Terminal(case)
    terminal.type("stty -g > before; echo at the beginning")
    terminal.shows("at the beginning\n$")

    # What a caller chose does not order the terminal about; what is not wanted is not shown.
    terminal.type(f"{case.binary} tap --admin {admin} --path '/s*'")
    until(lambda: not terminal.text.rstrip().endswith("$"), "tap to begin", 20)

    def denied():
        curl(f"http://{pair.entry}/fine")
        curl(f"http://{pair.entry}/secret")
        return "nobody-reads-secrets" in terminal.text

    until(denied, "a denial on the terminal", 30)
    line = next(line for line in terminal.text.splitlines() if "nobody-reads-secrets" in line)
    assert " deny " in line and " 403 GET /secret by spiffe://" in line and "(forbidden)" in line, line
    assert "/fine" not in terminal.text, terminal.text
    assert "\x1b[31mdeny" in terminal.coloured, terminal.coloured
    terminal.press("C-c")
    terminal.type("echo tap said $?")
    terminal.shows("tap said 0")
    terminal.type(f"clear; NO_COLOR=1 {case.binary} tap --admin {admin} --path '/s*'")
    until(denied, "a denial without colour", 30)
    assert "\x1b[31m" not in terminal.coloured, terminal.coloured
    terminal.press("C-c")
    terminal.type("clear; echo at the beginning")
    terminal.shows("at the beginning\n$")

    load = pair.load(case)
    for leave in ("q", "C-c"):
        terminal.type(f"{case.binary} top --admin {admin}")
        terminal.shows("CALLER")
        terminal.shows("orders")
        assert terminal.is_on("alternate_on") and not terminal.is_on("cursor_flag"), terminal.text
        # tmux tells of a size a moment later than it has it.
        terminal.shows("P50 MS")
        until(lambda: denied() or " 0.0 denied/s" not in terminal.text, "a denial in the table", 30)
        terminal.resize(70, 12)
        terminal.comes_to(lambda text: "P50 MS" not in text and "P99 MS" in text, "the narrow table")
        assert len(terminal.text.rstrip().splitlines()) <= 12, terminal.text
        terminal.resize(120, 30)
        terminal.shows("P50 MS")
        terminal.press("s")
        terminal.shows("now by denials")
        terminal.press(leave)
        terminal.shows("at the beginning")
        # Until it has ended, keys are its own.
        terminal.comes_to(lambda text: text.rstrip().endswith("\n$"), "the next prompt")
        assert not terminal.is_on("alternate_on") and terminal.is_on("cursor_flag"), terminal.text
        terminal.type("echo top said $?")
        terminal.shows("top said 0")
        terminal.type("stty -g > after; cmp before after && echo the same for " + leave)
        terminal.shows(f"\nthe same for {leave}")
    assert not load.failures, load.failures[:3]

    # Without a terminal: one JSON object a line; whoever reads may go.
    for command in ("tap", "top"):
        ended = subprocess.run(
            f"{case.binary} {command} --admin {admin} | head -n 2", shell=True, capture_output=True, text=True, timeout=60, check=True
        )
        lines = [json.loads(line) for line in ended.stdout.splitlines()]
        assert len(lines) == 2 and ended.stderr == "", ended
    load.stop()
