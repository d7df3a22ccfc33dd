"""The option that bounds a list."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def add_limit(parser: argparse._ActionsContainer, default: int, what: str) -> None:
    """Add the option. `what` is the plural of what is listed."""
    parser.add_argument(
        "--limit",
        type=_count_of(what),
        default=default,
        metavar="N",
        help=f"show at most N {what} (default: {default})",
    )


def _count_of(what: str) -> Callable[[str], int]:
    def count(text: str) -> int:
        """Return the number to show, at least one. Raise ArgumentTypeError."""
        if not text.isdecimal() or int(text) == 0:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {what}: give 1 or more")
        return int(text)

    return count
