"""Where things are in the source tree and in the build's folder. Importing this makes the tests' support importable."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
VENV = TARGET / "bench" / "venv"
RESULTS = ROOT / "benches" / "RESULTS.md"

sys.path[:0] = [str(ROOT / "tests" / "interop")]
