from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import redis

from bsg_config import clock
from bsg_ledger.zones import LearntZone
from bsg_worker.bsg_time import KNOWN_FOR_SECONDS, BSGTime

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def bsg_time(redis_url: str, zone: str = "UTC") -> BSGTime:
    return BSGTime(LearntZone(redis.Redis.from_url(redis_url), "account"), ZoneInfo(zone))


def test_a_time_of_bsgs_means_nothing_as_long_as_no_response_has_shown_its_zone(redis_url: str) -> None:
    assert bsg_time(redis_url).resolve(datetime(2026, 1, 1, 14)) is None


def test_the_zone_is_learnt_from_a_fresh_response_whatever_the_setting_says(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    time = bsg_time(redis_url, "UTC")
    with caplog.at_level(logging.ERROR):
        time.learn(datetime(2026, 1, 1, 14, 0, 20), NOW)

    assert time.resolve(datetime(2026, 1, 1, 15, 0)) == NOW + timedelta(hours=1)
    assert "+120 minutes" in caplog.text


def test_a_zone_that_fits_the_setting_is_no_matter_for_the_log(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    time = bsg_time(redis_url, "Europe/Kyiv")
    time.learn(datetime(2026, 1, 1, 13, 59, 40), NOW)

    assert time.resolve(datetime(2026, 1, 1, 14, 0)) == NOW
    assert caplog.text == ""


def test_what_another_process_learnt_wrongly_is_set_right_by_a_response_a_second_later(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = bsg_time(redis_url)
    time.learn(datetime(2026, 1, 1, 12), NOW)
    bsg_time(redis_url).learn(datetime(2026, 1, 1, 11), NOW)  # a response that was recorded an hour late
    later = clock.monotonic() + KNOWN_FOR_SECONDS
    monkeypatch.setattr(clock, "monotonic", lambda: later)

    time.learn(datetime(2026, 1, 1, 12), NOW)

    assert time.resolve(datetime(2026, 1, 1, 12)) == NOW


def test_what_was_learnt_wrongly_at_first_is_set_right_too(redis_url: str) -> None:
    bsg_time(redis_url).learn(datetime(2026, 1, 1, 11), NOW)  # a response that was recorded an hour late
    time = bsg_time(redis_url)

    time.learn(datetime(2026, 1, 1, 12), NOW)

    assert time.resolve(datetime(2026, 1, 1, 12)) == NOW


def test_in_the_hour_that_comes_twice_a_printed_time_is_the_later_one(redis_url: str) -> None:
    second_time = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    time = bsg_time(redis_url, "Europe/Kyiv")
    time.learn(datetime(2026, 10, 25, 3, 30), second_time)

    assert time.resolve(datetime(2026, 10, 25, 3, 30)) == second_time
    assert time.resolve(datetime(2026, 10, 25, 5, 0)) == datetime(2026, 10, 25, 3, 0, tzinfo=UTC)
