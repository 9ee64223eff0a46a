"""A test in steps, each of which needs what the ones before it have made: it tells each, and closes with its counts."""

import time
import traceback


def take(steps, *arguments):
    """Takes them, in order. Returns the exit code: 0 if all were as they should be. What could not be tried has failed."""
    passed = 0
    for step in steps:
        name = step.__name__.replace("_", " ")
        began = time.monotonic()
        try:
            step(*arguments)
        except Exception:
            print(f"{name} ... FAILED ({time.monotonic() - began:.1f} s)\n{traceback.format_exc()}", flush=True)
            break
        print(f"{name} ... ok ({time.monotonic() - began:.1f} s)", flush=True)
        passed += 1
    print(f"\n{passed} passed, {len(steps) - passed} failed")
    return 0 if passed == len(steps) else 1
