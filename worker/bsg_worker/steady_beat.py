"""A scheduler for beat that continues to send ticks when the clock is set back, and ends when it is asked to."""

from __future__ import annotations

from typing import Any

from celery.beat import Scheduler

from bsg_config import clock

CLOCK_SET_SECONDS = 1.0  # NTP's corrections are far smaller


class SteadyScheduler(Scheduler):  # type: ignore[misc]  # Celery types nothing
    """Celery's in-memory scheduler, which uses the wall clock. When the clock is set, it restarts every interval.

    Ticks are idempotent, so the schedule needs no file.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._set_to = _wall_over_monotonic()
        self._closed = False

    def close(self) -> None:
        """Close the scheduler, as Celery does when the process is asked to end."""
        super().close()
        self._closed = True

    def tick(self, *arguments: Any, **named: Any) -> float:
        """Do one step of Celery's loop. Return the seconds until the next step."""
        # Celery's signal handler closes the scheduler and raises SystemExit. A connection that is being read replaces
        # that by an error of its own, which Celery's loop logs and survives.
        if self._closed:  # guard: beat-ends
            raise SystemExit
        set_to = _wall_over_monotonic()
        if abs(set_to - self._set_to) > CLOCK_SET_SECONDS:  # guard: beat-clock-set-back
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None  # Celery rebuilds it from the entries
            self._set_to = set_to
        return float(super().tick(*arguments, **named))


def _wall_over_monotonic() -> float:
    return clock.now().timestamp() - clock.monotonic()
