"""Beat sends ticks by the time that passes. Setting the clock back does not silence it."""

from __future__ import annotations

from typing import Any

from celery.beat import Scheduler

from bsg_config import clock

CLOCK_SET_SECONDS = 1.0  # what NTP slews is far below


class SteadyScheduler(Scheduler):  # type: ignore[misc]  # Celery types nothing
    """Celery's, in memory, which goes by the wall clock: when that is set, every tick begins to count anew.

    Ticks are idempotent, so there is nothing to remember, and no file to write and to read again.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._set_to = _wall_over_monotonic()

    def tick(self, *arguments: Any, **named: Any) -> float:
        """One step of Celery's loop; return the seconds until the next."""
        set_to = _wall_over_monotonic()
        if abs(set_to - self._set_to) > CLOCK_SET_SECONDS:  # guard: beat-clock-set-back
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None  # made anew from the entries
            self._set_to = set_to
        return float(super().tick(*arguments, **named))


def _wall_over_monotonic() -> float:
    return clock.now().timestamp() - clock.monotonic()
