"""Rates: `5/s`, `300/m`, `1000/h`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_SECONDS_PER = {"s": 1.0, "m": 60.0, "h": 3600.0}
_WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*/\s*([smh])")
_FASTEST_PER_SECOND = 10_000
_SLOWEST_PER_SECOND = 1 / 86_400


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` times in `per_seconds` seconds."""

    amount: float
    per_seconds: float

    def __post_init__(self) -> None:
        if not (self.per_seconds > 0 and self.amount > 0):
            raise ValueError("a rate is above zero")
        if not _SLOWEST_PER_SECOND <= self.amount / self.per_seconds <= _FASTEST_PER_SECOND:
            raise ValueError("a rate lies between one a day and ten thousand a second")

    @classmethod
    def parse(cls, written: str) -> Rate:
        """Parse `5/s`, `300/m` or `1000/h`. Raise ValueError for anything else."""
        match = _WRITTEN.fullmatch(written.strip().lower())
        if match is None:
            raise ValueError("a rate is written as 5/s, 300/m or 1000/h")
        return cls(float(match[1]), _SECONDS_PER[match[2]])

    @property
    def interval_us(self) -> int:
        """Return the microseconds from one to the next, rounded up: rounding down would break the limit."""
        return max(1, math.ceil(self.per_seconds / self.amount * 1_000_000))

    @property
    def interval_ms(self) -> float:
        """Return the milliseconds from one to the next."""
        return self.per_seconds * 1000 / self.amount

    def __str__(self) -> str:
        unit = next((unit for unit, seconds in _SECONDS_PER.items() if seconds == self.per_seconds), None)
        return f"{self.amount:g}/{unit}" if unit else f"{self.amount:g} in {self.per_seconds:g} s"
