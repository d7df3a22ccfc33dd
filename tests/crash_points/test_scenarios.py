"""`make crash` leaves no point out, and says so when nobody dies."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bsg_config.crash_points import CrashPoint
from tests.chaos.checker import Fault, Finding, Verdict
from tests.crash_points.arming import arm, armed, disarm
from tests.crash_points.report import Row, table, totals, troubles
from tests.crash_points.scenarios import PASSED, a_campaign, that_is_retried
from tests.crash_points.trial import Outcome


def an_outcome(**changes: object) -> Outcome:
    outcome = Outcome(CrashPoint.SUBMIT_CLAIMED, a_campaign, recovered_by="lease ran out", seconds=4.2, kills=1)
    outcome.verdict = Verdict(messages=3)
    for name, value in changes.items():
        setattr(outcome, name, value)
    return outcome


def test_every_point_has_a_scenario_that_passes_it() -> None:
    assert {point for points in PASSED.values() for point in points} == set(CrashPoint)


def test_no_scenario_plays_a_point_twice() -> None:
    assert all(max(Counter(points).values()) == 1 for points in PASSED.values())


def test_a_row_tells_what_recovered_it_after_how_long_and_what_was_lost_and_doubled() -> None:
    row = Row(an_outcome(), an_outcome(kills=9, seconds=31.0, aged=30.0))

    assert table([row]).splitlines()[-1] == (
        "| submit: claimed |  | lease ran out | 4.2 s | 8 | 31.0 s + 30 s aged | 0 | 0 |"
    )
    assert row.held
    assert totals([row]).startswith("1 points, 10 times SIGKILL, 6 messages: 0 lost, 0 doubled")


def test_a_point_that_nobody_reached_is_a_failure() -> None:
    row = Row(an_outcome(trouble="nobody reached it", recovered_by="", verdict=Verdict()))

    assert not row.held
    assert "NOT SHOWN" in table([row])
    assert "nobody reached it" in troubles([row])


def test_a_message_that_was_doubled_at_the_second_kill_alone_is_a_failure() -> None:
    doubled = Verdict(messages=3, findings=[Finding(Fault.DOUBLED, "message 1 arrived 2 times")])
    row = Row(an_outcome(scenario=that_is_retried), an_outcome(scenario=that_is_retried, verdict=doubled))

    assert not row.held
    assert table([row]).endswith("| 0 | 1 |")
    assert "message 1 arrived 2 times" in troubles([row])


def test_what_is_armed_is_armed_until_it_is_disarmed(tmp_path: Path) -> None:
    arm(tmp_path, CrashPoint.POLL_READ, CrashPoint.PROBE_TAKEN)
    assert armed(tmp_path) == {CrashPoint.POLL_READ, CrashPoint.PROBE_TAKEN}
    disarm(tmp_path)
    assert armed(tmp_path) == set()
