"""The rules are valid, and each alert has a case in which it goes off beside one in which it must not."""

import re
import subprocess
from pathlib import Path

PLACE = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"


def test(case):
    promtool("check", "rules", "portreeve.rules.yaml")
    promtool("check", "config", "--syntax-only", "prometheus.yaml")
    promtool("test", "rules", "portreeve.rules.test.yaml")
    rules = (PLACE / "portreeve.rules.yaml").read_text()
    cases = (PLACE / "portreeve.rules.test.yaml").read_text()
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    assert len(alerts) > 20, alerts
    untried = {alert for alert in alerts if f'alertname="{alert}"' not in cases and f"alertname: {alert}\n" not in cases}
    assert not untried, untried
    # Without what sets them off, the same cases fail.
    blunt = case.write("portreeve.rules.yaml", re.sub(r"(?m)^(\s+)for: \d+m$", r"\1for: 1d", rules))
    case.write("portreeve.rules.test.yaml", cases)
    done = run("test", "rules", "portreeve.rules.test.yaml", place=blunt.parent)
    assert done.returncode == 1 and "FAILED" in done.stdout + done.stderr, done


def promtool(*words):
    """Runs it, with success."""
    done = run(*words)
    assert done.returncode == 0, done.stdout + done.stderr


def run(*words, place=PLACE):
    """Runs it in the folder of the rules."""
    return subprocess.run(["promtool", *words], cwd=place, capture_output=True, text=True, timeout=60)
