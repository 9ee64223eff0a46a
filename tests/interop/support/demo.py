"""`portreeve demo`, running: an edge, a provider that signs people in with a click, and what is behind it."""

import json
import re

from support.wait import until


class Demo:
    """Its places are read from the guide that it prints."""

    def __init__(self, case):
        self.directory = case.directory / "demo"
        self.program = case.start("demo", [case.binary, "demo", "--dir", self.directory])

        def guide():
            self.program.check()
            text = self.program.stdout.read_text()
            return text if "Ctrl-C" in text else None

        text = until(guide, "the demo to say where everything is", 60)
        self.edge = re.search(r"^Open (https://localhost:\d+)/", text, re.MULTILINE)[1]
        self.provider = re.search(r"^  provider +(https://\S+)", text, re.MULTILINE)[1]

    def record(self, **wanted):
        """The edge's record that says all of `wanted`, which may still be on its way."""

        def found():
            lines = (self.directory / "edge.jsonl").read_text().splitlines()
            records = map(json.loads, lines)
            return next((one for one in records if all(one.get(key) == value for key, value in wanted.items())), None)

        return until(found, f"a record with {wanted}")
