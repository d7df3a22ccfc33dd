"""What came of one piece of work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """`outcome` is a part of the task's outcome; `ends`: the next piece would fare no better now.

    `slept`: the seconds that were slept for the slot of the next piece.
    """

    outcome: str
    ends: bool = False
    slept: float = 0.0
