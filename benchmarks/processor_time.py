"""The processor time that processes have taken, theirs and the kernel's for them together."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_AFTER_NAME, _USER, _SYSTEM = 2, 11, 12  # proc(5): fields 14 and 15, counted from what follows the name


def seconds_of(process_id: int) -> float:
    """Return the seconds so far, all threads, without children. Linux only: raises FileNotFoundError elsewhere."""
    fields = Path(f"/proc/{process_id}/stat").read_text("utf-8").rpartition(")")[_AFTER_NAME].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_A_SECOND
