"""`make crash`: SIGKILL at every point in turn, and again at the recovery from it. Exit code 1 if a message was lost or
doubled, if nobody reached a point, or if an effect has none."""

from __future__ import annotations

import argparse
import queue
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.failpoints.arming import seen
from tests.failpoints.environment import TrialEnvironment
from tests.failpoints.points import POINTS, without_point
from tests.failpoints.report import Row, say, table, totals, troubles
from tests.failpoints.run_trial import Outcome, run_trial
from tests.failpoints.scenarios import Scenario, named
from tests.guarded_run import GUARDED, INTERRUPTED, run_guarded
from tests.servers import AVAILABLE_KINDS

Work = tuple[int, str, Scenario]


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not arguments.guarded:
        return run_guarded("tests.failpoints", sys.argv[1:])
    directory = Path(tempfile.mkdtemp(prefix="crash-points-"))
    held = False
    try:
        held = _run(directory, _chosen(arguments.only), arguments=arguments)
        return 0 if held else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        if held:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            say(f"Logs and Redis's files are kept in {directory}")


def _run(directory: Path, chosen: Sequence[tuple[str, Scenario]], *, arguments: argparse.Namespace) -> bool:
    """Print the table; return whether the promise held at every point."""
    began = time.monotonic()
    work: queue.SimpleQueue[Work] = queue.SimpleQueue()
    for number, (point, scenario) in enumerate(chosen):
        work.put((number, point, scenario))
    rows: dict[int, Row] = {}
    lost: set[str] = set()

    def trial(number: int) -> None:
        with TrialEnvironment(number, directory / f"trial_environment{number}", arguments.server) as trial_environment:
            while not work.empty():
                try:
                    number, point, scenario = work.get_nowait()
                except queue.Empty:
                    return
                rows[number] = row = _row(trial_environment, point, scenario, once=arguments.once)
                say(f"{time.monotonic() - began:5.0f} s  {row}")
            lost.update(without_point(seen(trial_environment.armed)))

    threads = [
        threading.Thread(target=trial, args=(number,), daemon=True) for number in range(arguments.trial_environments)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [rows[number] for number in sorted(rows)]
    say(f"\n{table(done)}\n\n{totals(done)}, {time.monotonic() - began:.0f} s")
    say(troubles(done))
    say("\n".join(f"no point stands at `{effect}`" for effect in sorted(lost)))
    return len(done) == len(chosen) and all(row.held for row in done) and not lost


def _row(trial_environment: TrialEnvironment, point: str, scenario: Scenario, *, once: bool) -> Row:
    alone = _tried(trial_environment, point, scenario, again=False)
    return Row(alone, None if once else _tried(trial_environment, point, scenario, again=True))


def _tried(trial_environment: TrialEnvironment, point: str, scenario: Scenario, *, again: bool) -> Outcome:
    try:
        return run_trial(trial_environment, point, scenario, again=again)
    except Exception:  # a failure of the run itself is a point that was not shown, and no end of the others
        return replace(Outcome(point, scenario), trouble=traceback.format_exc())


def _chosen(only: Sequence[str]) -> list[tuple[str, Scenario]]:
    """Return every point in each of its scenarios, in the order of the table."""
    pairs = [(point, scenario) for scenario, points in POINTS.items() for point in points]
    return [
        (point, scenario)
        for point, scenario in pairs
        if not only or any(words in point or words in named(scenario) for words in only)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.failpoints", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="WORDS", help="points or scenarios named like that")
    parser.add_argument("--once", action="store_true", help="do not kill again at the recovery")
    parser.add_argument(
        "--trial_environments", type=int, default=4, help="trials side by side, each on a Redis of its own"
    )
    parser.add_argument("--server", choices=AVAILABLE_KINDS, default=AVAILABLE_KINDS[0])
    parser.add_argument(GUARDED, action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
