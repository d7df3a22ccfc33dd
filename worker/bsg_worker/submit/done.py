"""The result of one piece of work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """`outcome` is a part of the task's outcome. `ends`: the next piece would fail in the same way now.

    `slept`: the seconds that were slept for the slot of the next piece.
    """

    outcome: str
    ends: bool = False
    slept: float = 0.0
