"""What came of one piece of work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """`outcome` is a part of the task's outcome; `ends`: the next piece would fare no better now."""

    outcome: str
    ends: bool = False
