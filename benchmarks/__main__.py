"""`make bench`: every row of docs/performance.md measured, side by side, and held to its goals.

Without --short a goal that is not met is reported, with the reason, and is no failure of the run.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks import page, rows
from benchmarks.comparing import Figures, Reached, Row, medians, reached, rounds_in_turn, shown, written
from benchmarks.machine import machine

FAILED, INTERRUPTED = 1, 130


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        return _run(arguments, directory)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(arguments: argparse.Namespace, directory: Path) -> int:
    _report(f"{machine()}\n")
    grossly_missed = False
    for name in arguments.only or rows.names():
        row = rows.row(name)
        measured = _measured(name, row, directory / name, arguments.rounds, short=arguments.short)
        found = reached(row, measured)
        _report_row(row, measured, found)
        grossly_missed |= any(each.goal.grossly_missed(each.value) for each in found)
        if arguments.write:
            page.keep(name, row, medians(measured), found, rounds=arguments.rounds)
    if arguments.write:
        page.write()
    if arguments.short and grossly_missed:
        _report("A ratio is far from what it was: something has become grossly slower or larger.")
        return FAILED
    return 0


def _measured(name: str, row: Row, directory: Path, rounds: int, *, short: bool) -> list[Figures]:
    _report(f"{name}: {row.what}\n  against: {row.against}{f' ({row.unit})' if row.unit else ''}")
    return list(rounds_in_turn(row, rounds, directory=directory, short=short, report=_report))


def _report_row(row: Row, measured: list[Figures], found: list[Reached]) -> None:
    if row.table is None:
        _report(f"  medians: {shown(medians(measured))}")
    else:
        _report("\n".join(f"  {line}" for line in row.table(medians(measured))))
    for each in found:
        state = "met" if each.met else "NOT MET"
        _report(f"  {each.goal.what}: {written(each.value)}, goal {each.goal.bound}: {state}")
    if row.if_not_met and not all(each.met for each in found):
        _report(f"  why: {row.if_not_met}")
    _report("")


def _report(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=_rounds, default=3, help="in each of which every side is measured once")
    parser.add_argument(
        "--short",
        action="store_true",
        help="small sizes; exit code 1 only when a ratio is grossly worse than it was, never for absolute times",
    )
    parser.add_argument("--only", action="append", choices=rows.names(), metavar="ROW", help=", ".join(rows.names()))
    parser.add_argument("--write", action="store_true", help="put what was measured into docs/performance.md")
    return parser


def _rounds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 99:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rounds: write one from 1 to 99")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
