"""The findings of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters. A problem loses, doubles or holds messages now, or would at the next mishap."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` says what to do; "" if nothing has to be done."""

    subject: str
    level: Level
    message: str
    remedy: str = ""
