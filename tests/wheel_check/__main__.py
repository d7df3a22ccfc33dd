"""`make wheel-check`: the wheel in environments of its own, each with one set of extras, does what README promises.

The suite runs where all is installed that developers need, so that it cannot see what the wheel fails to ask for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.wheel_check.checks import CHECKS
from tests.wheel_check.environments import CheckFailed, Wheelhouse


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.wheel_check", description=__doc__)
    arguments.add_argument("--only", metavar="EXTRAS", help="one set of extras, such as worker,cli")
    only = arguments.parse_args().only
    chosen = {",".join(extras): (extras, check) for extras, check in CHECKS.items()}
    if only is not None:
        chosen = {only: chosen[only]}
    failed = []
    with tempfile.TemporaryDirectory(prefix="wheel-check-") as directory:
        wheels = Wheelhouse(Path(directory), (extra for extras, _ in chosen.values() for extra in extras))
        for number, (name, (extras, check)) in enumerate(chosen.items()):
            began = time.monotonic()
            folder = Path(directory) / str(number)
            folder.mkdir()
            try:
                check(wheels.install(folder, extras))
            except CheckFailed as why:
                failed.append(name)
                print(f"bsg-campaigns[{name}]: {why}", file=sys.stderr)
            result = "FAILED" if name in failed else "ok"
            print(
                f"bsg-campaigns[{name}]: {result} after {time.monotonic() - began:.1f} s. {check.__doc__}", flush=True
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
