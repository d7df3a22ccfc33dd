"""How much memory the processes hold, looked at all through the run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

MIB = 1024 * 1024


@dataclass(slots=True)
class Memory:
    """Resident bytes of each process by its kind, with the times of the looks (seconds since 1970).

    A system without /proc shows none.
    """

    looks: dict[str, dict[int, list[tuple[float, int]]]] = field(default_factory=dict)

    def look(self, processes: Mapping[str, Iterable[int]]) -> None:
        now = time.time()
        for kind, process_ids in processes.items():
            for process_id in process_ids:
                resident = resident_bytes(process_id)
                if resident is not None:
                    self.looks.setdefault(kind, {}).setdefault(process_id, []).append((now, resident))

    def peak(self, kind: str) -> int | None:
        """Return the most that any process of the kind held at a look."""
        held = [resident for looks in self.looks.get(kind, {}).values() for _, resident in looks]
        return max(held, default=None)

    def growth(self, kind: str, begin: float, end: float) -> int | None:
        """By how much the process grew most from the first to the last quarter of that span of time."""
        quarter = (end - begin) / 4
        grown = []
        for looks in self.looks.get(kind, {}).values():
            first = _within(looks, begin, begin + quarter)
            last = _within(looks, end - quarter, end)
            if first and last:
                grown.append(round(fmean(last) - fmean(first)))
        return max(grown, default=None)


def resident_bytes(process_id: int) -> int | None:
    """Return what the process holds in memory; None if it is gone, or if this system does not show it."""
    try:
        status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    line = next((line for line in status.splitlines() if line.startswith("VmRSS:")), None)
    return None if line is None else int(line.split()[1]) * 1024


def _within(looks: Sequence[tuple[float, int]], begin: float, end: float) -> list[int]:
    return [resident for moment, resident in looks if begin <= moment <= end]
