"""`portreeve manual`: each page is read by mandoc without an error, and by `man` as what it says."""

import subprocess


def test(case):
    pages = case.directory / "man1"
    pages.mkdir()
    subprocess.run([case.binary, "manual", pages], timeout=20, check=True)
    files = sorted(map(str, pages.iterdir()))
    assert len(files) > 30, files
    # Its styles and warnings are of how a source is written. 3 and above are errors.
    linted = lint(files)
    assert linted.returncode < 3, linted.stdout
    shown = subprocess.run(
        ["mandoc", "-Tutf8", "-O", "width=80", pages / "portreeve-policy-explain.1"], capture_output=True, text=True, timeout=20, check=True
    )
    for word in ("EXIT STATUS", "EXAMPLES", "portreeve policy explain --config orders.yaml \\"):
        assert word in plain(shown.stdout), (word, shown.stdout)
    # The twin: a page that is broken.
    broken = case.write("broken.1", ".TH broken 1\n.SH NAME\nbroken\n.RE 7\n.so nowhere\n.TS\n")
    assert lint([str(broken)]).returncode >= 3


def lint(files):
    """What mandoc finds."""
    return subprocess.run(["mandoc", "-Tlint", *files], capture_output=True, text=True, timeout=60, check=False)


def plain(text):
    """Without what makes letters bold."""
    shown = []
    for letter in text:
        if letter == "\b":
            shown.pop()
        else:
            shown.append(letter)
    return " ".join("".join(shown).split())
