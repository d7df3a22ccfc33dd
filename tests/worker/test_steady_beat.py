"""Beat goes on sending ticks when the clock of its machine is set, and ends when it is asked to."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery

from bsg_broker.celery_configuration import beat_schedule
from bsg_config import clock
from bsg_config.settings import Settings
from bsg_worker.steady_beat import SteadyScheduler

BEGUN = datetime(2030, 1, 31, 12, tzinfo=UTC)


class Time:
    """Both clocks, which the test moves."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.set_by = 0.0

    def now(self) -> datetime:
        return BEGUN + timedelta(seconds=self.passed + self.set_by)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "now", time.now)
    monkeypatch.setattr(clock, "monotonic", lambda: time.passed)
    return time


def ticks(time: Time, scheduler: SteadyScheduler, seconds: float) -> Counter[str]:
    """Return the ticks of so many seconds, as Celery's own loop has them."""
    sent.clear()
    stop_at = time.passed + seconds
    while time.passed < stop_at:
        time.passed += max(0.01, min(scheduler.tick(), 1.0))
    return Counter(sent)


sent: list[str] = []


@pytest.fixture
def scheduler(time: Time, monkeypatch: pytest.MonkeyPatch) -> SteadyScheduler:
    app = Celery("beaten", set_as_current=False)
    monkeypatch.setattr(app, "now", time.now)
    app.conf.beat_schedule = beat_schedule(Settings.build(sweep_interval=1, bsg_poll_interval=5))
    monkeypatch.setattr(SteadyScheduler, "producer", None)
    monkeypatch.setattr(SteadyScheduler, "apply_async", lambda self, entry, **_: sent.append(entry.name))
    return SteadyScheduler(app)


@pytest.mark.parametrize("set_by", [-3600.0, -30.0, 3600.0])
def test_a_clock_that_is_set_leaves_the_ticks_as_far_apart_as_before(
    time: Time, scheduler: SteadyScheduler, set_by: float
) -> None:
    before = ticks(time, scheduler, 20)
    time.set_by = set_by

    after = ticks(time, scheduler, 20)

    assert before["bsg.sweep"] >= 18
    for tick in ("bsg.sweep", "bsg.reconcile", "bsg.poll"):
        assert abs(after[tick] - before[tick]) <= 2, tick


def test_a_clock_that_drifts_begins_nothing_anew(time: Time, scheduler: SteadyScheduler) -> None:
    polls = 0
    for _ in range(20):
        time.set_by -= 0.01
        polls += ticks(time, scheduler, 0.5)["bsg.poll"]

    assert polls >= 3


def test_beat_ends_at_the_next_tick_if_a_connection_swallowed_the_signal_to_end(scheduler: SteadyScheduler) -> None:
    scheduler.tick()
    scheduler.close()

    with pytest.raises(SystemExit):
        scheduler.tick()
