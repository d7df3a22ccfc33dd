from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bsg_worker.pace import next_poll

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pace(status: str, **changes: Any) -> float | None:
    values: dict[str, Any] = {
        "interval": 15.0,
        "now": NOW,
        "submitted_at": NOW - timedelta(seconds=30),
        "start_at": None,
        "finished_at": None,
        "validity_hours": 72,
    }
    return next_poll(status, **{**values, **changes})


def test_a_batch_that_is_being_sent_is_looked_at_every_interval() -> None:
    assert pace("sending") == 15.0


def test_a_batch_that_takes_hours_is_looked_at_less_often_but_at_least_every_ten_minutes() -> None:
    assert pace("sending", submitted_at=NOW - timedelta(hours=1)) == 180.0
    assert pace("sending", submitted_at=NOW - timedelta(days=2)) == 600.0


def test_a_scheduled_batch_is_looked_at_rarely_until_its_hour() -> None:
    assert pace("scheduled", start_at=NOW + timedelta(days=10)) == 3600.0
    assert pace("scheduled", start_at=NOW + timedelta(minutes=10)) == 300.0


def test_a_scheduled_batch_is_looked_at_often_once_its_hour_has_come() -> None:
    days_ago = NOW - timedelta(days=3)

    assert pace("scheduled", start_at=NOW + timedelta(seconds=10)) == 15.0
    assert pace("sending", start_at=NOW - timedelta(seconds=60), submitted_at=days_ago) == 15.0


@pytest.mark.parametrize("status", ["done", "stopped", "spam"])
def test_after_its_end_a_batch_is_polled_at_ever_longer_gaps_until_the_validity_is_over(status: str) -> None:
    def after(hours: float) -> float | None:
        return pace(status, finished_at=NOW - timedelta(hours=hours))

    assert after(0) == 60.0
    assert after(2) == 3600.0
    assert after(10) == 5 * 3600.0
    assert after(72) is None


def test_an_unknown_status_is_looked_at_like_any_other() -> None:
    assert pace("paused by aliens") == 15.0
