"""`make load`: a million messages in 2 000 campaigns; exit code 1 if a message was lost, doubled or kept waiting."""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.chaos.report import where_the_logs_are
from tests.load.campaigns import TooFewMessages
from tests.load.environment import Size
from tests.load.report import say
from tests.load.run import run
from tests.servers import AVAILABLE_KINDS

MISUSE = 2
INTERRUPTED = 130
MAX_WORKERS = 64
MAX_LATENCY = 60.0


def main() -> int:
    arguments = _parser().parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    size = Size(arguments.messages, arguments.campaigns, arguments.workers, arguments.latency)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    directory = Path(tempfile.mkdtemp(prefix="load-"))
    kept = True
    try:
        held = run(directory, seed=seed, size=size, server_kind=arguments.server)
        kept = arguments.keep_logs or not held
        return 0 if held else 1
    except TooFewMessages as error:
        kept = False
        sys.stderr.write(f"{error}\n")
        return MISUSE
    except KeyboardInterrupt:
        kept = arguments.keep_logs
        return INTERRUPTED
    finally:
        if kept:
            say(where_the_logs_are(directory))
        else:
            shutil.rmtree(directory, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--messages", type=_number(int, 1, 10_000_000), default=1_000_000)
    parser.add_argument("--campaigns", type=_number(int, 1, 100_000), default=2_000)
    parser.add_argument("--workers", type=_number(int, 1, MAX_WORKERS), default=8, help="processes")
    parser.add_argument("--latency", type=_number(float, 0, MAX_LATENCY), default=0.2, help="seconds to BSG's response")
    parser.add_argument(
        "--seed", type=int, help="of the campaigns; a fresh one is drawn and printed when none is given"
    )
    parser.add_argument("--server", choices=AVAILABLE_KINDS, default=AVAILABLE_KINDS[0])
    parser.add_argument("--keep-logs", action="store_true", help="also when all went well")
    return parser


def _number(kind: type[int] | type[float], least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(least - 1)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not right: write a number from {least:,} to {most:,}")
        return value

    return read


if __name__ == "__main__":
    sys.exit(main())
