"""How urgent a campaign is."""

from __future__ import annotations

from typing import Literal, get_args

Priority = Literal["high", "normal", "low"]

PRIORITIES: tuple[Priority, ...] = get_args(Priority)
