"""Print what a pause, a resume or a cancel did, whether to a campaign or to a stream."""

from __future__ import annotations

from collections.abc import Mapping

from bsg_cli.printing import messages, print_json

# A pause holds messages in these states.
_HELD = ("unprepared", "pending")
_GONE = ("posting", "unconfirmed", "submitted", "finished")


def print_paused(subject: Mapping[str, str], counts: Mapping[str, int], *, as_json: bool) -> None:
    """Print the result of a pause. `subject` is its name in the JSON. `counts` has its messages by state."""
    held, gone = _count(counts, _HELD), _count(counts, _GONE)
    if as_json:
        print_json({**subject, "paused": True, "held": held, "gone": gone})
    else:
        print(f"Paused: {messages(held)} held. {messages(gone)} had gone to BSG, where they go on.")


def print_resumed(subject: Mapping[str, str], counts: Mapping[str, int], *, as_json: bool) -> None:
    held = _count(counts, _HELD)
    if as_json:
        print_json({**subject, "paused": False, "unsent": held})
    else:
        print(f"Resumed: {messages(held)} to be sent.")


def print_cancelled(subject: Mapping[str, str], *, cancelled: int, gone: int, as_json: bool) -> None:
    """Print the result of a cancel. `gone`: how many messages BSG has or may have."""
    if as_json:
        print_json({**subject, "cancelled": cancelled, "gone": gone})
    else:
        print(
            f"Cancelled: {messages(cancelled)} will not be sent. "
            f"{messages(gone)} had gone to BSG, or may have: stopped there where that can still be."
        )


def _count(counts: Mapping[str, int], states: tuple[str, ...]) -> int:
    return sum(counts.get(state, 0) for state in states)
