"""When batches may leave, by somebody's clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_messages.sending_hours import SendingHours

KYIV = ZoneInfo("Europe/Kyiv")


def opening(hours: str, moment: str) -> str:
    zone = ZoneInfo("UTC")
    return SendingHours.parse(hours, zone).opening(datetime.fromisoformat(moment)).isoformat()


@pytest.mark.parametrize(
    ("hours", "moment", "expected"),
    [
        ("09:00-20:00", "2030-01-31T09:00:00+00:00", "2030-01-31T09:00:00+00:00"),
        ("09:00-20:00", "2030-01-31T19:59:59+00:00", "2030-01-31T19:59:59+00:00"),
        ("09:00-20:00", "2030-01-31T20:00:00+00:00", "2030-02-01T09:00:00+00:00"),
        ("09:00-20:00", "2030-01-31T08:59:59+00:00", "2030-01-31T09:00:00+00:00"),
        ("22:00-06:00", "2030-01-31T05:00:00+00:00", "2030-01-31T05:00:00+00:00"),
        ("22:00-06:00", "2030-01-31T06:00:00+00:00", "2030-01-31T22:00:00+00:00"),
        ("09:00-20:00 Europe/Kyiv", "2030-01-31T06:59:00+00:00", "2030-01-31T07:00:00+00:00"),
        ("09:00-20:00 Europe/Kyiv", "2030-07-31T05:59:00+00:00", "2030-07-31T06:00:00+00:00"),
        # The clocks go forward at 03:00 of that night, so that 03:30 does not come.
        ("03:30-05:00 Europe/Kyiv", "2030-03-31T00:00:00+00:00", "2030-03-31T01:30:00+00:00"),
    ],
)
def test_batches_leave_within_the_hours_and_wait_for_the_next_otherwise(hours: str, moment: str, expected: str) -> None:
    assert opening(hours, moment) == expected


@pytest.mark.parametrize(
    ("hours", "moment", "opens", "closes"),
    [
        ("09:00-20:00", "2030-01-31T12:00:30+00:00", "2030-01-31T12:00:30+00:00", "2030-01-31T20:00:00+00:00"),
        ("09:00-20:00", "2030-01-31T20:00:00+00:00", "2030-02-01T09:00:00+00:00", "2030-02-01T20:00:00+00:00"),
        ("22:00-06:00", "2030-01-31T23:00:00+00:00", "2030-01-31T23:00:00+00:00", "2030-02-01T06:00:00+00:00"),
        # The clocks go forward from 03:00 to 04:00: at 03:30, which does not come, the hours are over.
        (
            "01:00-03:30 Europe/Kyiv",
            "2030-03-31T00:00:00+00:00",
            "2030-03-31T00:00:00+00:00",
            "2030-03-31T01:00:00+00:00",
        ),
        # They go back from 04:00 to 03:00: the hours close at the first 03:30, and go on at the second 03:00.
        (
            "01:00-03:30 Europe/Kyiv",
            "2030-10-27T00:00:00+00:00",
            "2030-10-27T00:00:00+00:00",
            "2030-10-27T00:30:00+00:00",
        ),
        (
            "01:00-03:30 Europe/Kyiv",
            "2030-10-27T01:10:00+00:00",
            "2030-10-27T01:10:00+00:00",
            "2030-10-27T01:30:00+00:00",
        ),
    ],
)
def test_the_hours_that_are_now_or_come_next_have_a_beginning_and_an_end(
    hours: str, moment: str, opens: str, closes: str
) -> None:
    span = SendingHours.parse(hours, ZoneInfo("UTC")).span(datetime.fromisoformat(moment))

    assert [end.isoformat() for end in span] == [opens, closes]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("9-20", "Not hours of a day"),
        ("09:00-24:00", "Not hours of a day"),
        ("09:00-20:00 \n", "Not hours of a day"),
        ("09:00-09:00", "They end when they begin"),
        ("09:00-20:00 Europe/Nowhere", "There is no zone of that name"),
        ("09:00-20:00 ../../etc/passwd", "Not hours of a day"),
        ("09:00-20:00 /etc/passwd", "There is no zone of that name"),
    ],
)
def test_wrong_hours_are_reported_with_the_remedy(wrong: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SendingHours.parse(wrong, KYIV)


def test_hours_keep_the_zone_that_they_were_given_by() -> None:
    assert str(SendingHours.parse("09:00-20:00", KYIV)) == "09:00-20:00 Europe/Kyiv"


MOMENTS = st.datetimes(datetime(2029, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))
CLOCKS = st.tuples(st.integers(0, 23), st.integers(0, 59))


@given(moment=MOMENTS, opens=CLOCKS, closes=CLOCKS, zone=st.sampled_from(["UTC", "Europe/Kyiv", "America/St_Johns"]))
def test_an_opening_is_within_the_hours_never_before_and_at_most_a_day_and_an_hour_ahead(
    moment: datetime, opens: tuple[int, int], closes: tuple[int, int], zone: str
) -> None:
    if opens == closes:
        return
    hours = SendingHours.parse("{:02}:{:02}-{:02}:{:02}".format(*opens, *closes), ZoneInfo(zone))

    found = hours.opening(moment)

    assert moment <= found <= moment + timedelta(hours=25)
    assert hours.opening(found) == found or hours.opening(found) - found <= timedelta(hours=1)


@given(moment=MOMENTS, opens=CLOCKS, closes=CLOCKS, zone=st.sampled_from(["UTC", "Europe/Kyiv", "America/St_Johns"]))
def test_within_a_span_batches_may_leave_and_at_its_end_they_may_not(
    moment: datetime, opens: tuple[int, int], closes: tuple[int, int], zone: str
) -> None:
    if opens == closes:
        return
    hours = SendingHours.parse("{:02}:{:02}-{:02}:{:02}".format(*opens, *closes), ZoneInfo(zone))

    begin, end = hours.span(moment)

    assert hours.opening(end) > end
    assert begin == end or hours.opening(begin) == begin
    assert begin == end or hours.opening(end - timedelta(seconds=1)) == end - timedelta(seconds=1)
