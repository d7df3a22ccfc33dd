"""`make chaos`: faults by seed for some minutes; exit code 1 if a message was lost, doubled or misreported."""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.provider import ProviderMode
from tests.chaos.report import say, where_the_logs_are
from tests.chaos.run import run
from tests.guarded_run import GUARDED, INTERRUPTED, run_guarded
from tests.servers import AVAILABLE_KINDS


def main() -> int:
    arguments = _parser().parse_args()
    if arguments.seed is None:
        arguments.seed = secrets.randbelow(1_000_000)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not arguments.guarded:
        return run_guarded("tests.chaos", [*sys.argv[1:], f"--seed={arguments.seed}"])
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    kept = True
    try:
        held = run(
            directory,
            seed=arguments.seed,
            minutes=arguments.minutes,
            provider_mode=ProviderMode.drawn(arguments.seed) if arguments.bsg is None else ProviderMode(arguments.bsg),
            server_kind=arguments.server,
        )
        kept = arguments.keep_logs or not held
        return 0 if held else 1
    except KeyboardInterrupt:
        kept = arguments.keep_logs
        return INTERRUPTED
    finally:
        if kept:
            say(where_the_logs_are(directory))
        else:
            shutil.rmtree(directory, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=_minutes, default=2.5, help="of faults; starting and healing come on top")
    parser.add_argument("--seed", type=int, help="of the plan; a fresh one is drawn and printed when none is given")
    parser.add_argument("--bsg", choices=list(ProviderMode), help="how BSG behaves; drawn by the seed when not given")
    parser.add_argument("--server", choices=AVAILABLE_KINDS, default=AVAILABLE_KINDS[0])
    parser.add_argument("--keep-logs", action="store_true", help="also when all went well")
    parser.add_argument(GUARDED, action="store_true", help=argparse.SUPPRESS)
    return parser


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes: write one above 0, such as 2.5")
    return minutes


if __name__ == "__main__":
    sys.exit(main())
