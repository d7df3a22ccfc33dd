"""`make mutate`: undoes each guard in turn, in a copy of the project; exit code 1 if nothing misses one of them."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.catching import Catch, caught, exploration_fails, is_test, tests_fail
from tests.mutation.copies import Copy
from tests.mutation.guard import ROOT, TABLE, Guard, Location, TableRotten, find_tests, fit, read_table

MAX_A_GUARD = 240.0
MAX_ALL_UNCHANGED = 1200.0
MEND = 2


@dataclass(frozen=True)
class Undoing:
    """What came of one guard being undone."""

    guard: Guard
    catch: Catch | None
    seconds: float

    @property
    def caught(self) -> bool:
        return self.catch is not None and self.catch.sound and (self.guard.hangs or not self.catch.timed_out)

    def __str__(self) -> str:
        if self.catch is None:
            what = "MISSED BY ALL"
        elif not self.catch.sound:
            what = f"NO SOUND CHANGE: {self.catch.by}: {self.catch.how}"
        elif self.catch.timed_out:
            what = f"{'timed out' if self.guard.hangs else 'ONLY TIMED OUT'}: {self.catch.by}"
        else:
            what = f"{self.catch.by}: {self.catch.how}"
        return f"{self.guard} | {what} | {self.seconds:.1f} s"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="guards with these words in their row or their file's path"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="guards undone at once")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = time.monotonic()
    try:
        placed = [
            (guard, location)
            for guard, location in fit(read_table(TABLE.read_text("utf-8"), find_tests()), ROOT)
            if arguments.only in f"{guard} {'; '.join(guard.caught_by)} {location.file}"
        ]
    except TableRotten as error:
        print(error, file=sys.stderr)
        return MEND
    guards = [guard for guard, _ in placed]
    with tempfile.TemporaryDirectory(prefix="mutation-") as directory:
        unchanged = Copy(Path(directory) / "unchanged")
        if catch := _fails_by_itself(unchanged, guards):
            print(f"{catch.by} fails with every guard in place: {catch.how}", file=sys.stderr)
            return MEND
        missed = 0
        with ThreadPoolExecutor(arguments.jobs) as pool:
            undoings = [
                pool.submit(_undone, guard, location, unchanged, Path(directory) / str(number))
                for number, (guard, location) in enumerate(placed)
            ]
            try:
                for undoing in as_completed(undoings):
                    missed += not undoing.result().caught
                    print(undoing.result(), flush=True)
            finally:  # after a failure, or Ctrl-C, none is begun any more
                pool.shutdown(cancel_futures=True)
    print(f"{len(guards)} guards undone, {len(guards) - missed} caught, in {time.monotonic() - begun:.0f} s")
    return 1 if missed else 0


def _fails_by_itself(unchanged: Copy, guards: Sequence[Guard]) -> Catch | None:
    catchers = dict.fromkeys(catcher for guard in guards for catcher in guard.caught_by)
    tests = [catcher for catcher in catchers if is_test(catcher)]
    sizes = [catcher for catcher in catchers if not is_test(catcher)]
    return (tests_fail(unchanged, tests, MAX_ALL_UNCHANGED) if tests else None) or (
        exploration_fails(unchanged, sizes, MAX_ALL_UNCHANGED) if sizes else None
    )


def _undone(guard: Guard, location: Location, unchanged: Copy, directory: Path) -> Undoing:
    begun = time.monotonic()
    copy = Copy(directory, unchanged.directory)
    try:
        guard.undo(copy.directory, location)
        return Undoing(guard, caught(copy, guard.caught_by, MAX_A_GUARD), time.monotonic() - begun)
    finally:
        copy.remove()


if __name__ == "__main__":
    sys.exit(main())
