"""`make crash` leaves no point out, and says so when nobody dies."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bsg_ledger.scripts import SHARED
from tests.chaos.findings import CheckResult, Fault, Finding
from tests.failpoints.arming import arm, armed, disarm
from tests.failpoints.doors import ROOT
from tests.failpoints.points import EFFECTS, LEFT_OUT, POINTS, without_point
from tests.failpoints.report import Row, table, totals, troubles
from tests.failpoints.run_trial import Outcome
from tests.failpoints.scenarios import a_campaign, that_is_retried


def an_outcome(**changes: object) -> Outcome:
    outcome = Outcome("after script dispatch: send", a_campaign, recovered_by="lease ran out", seconds=4.2, kills=1)
    outcome.result = CheckResult(messages=3)
    for name, value in changes.items():
        setattr(outcome, name, value)
    return outcome


def test_every_script_has_a_point_or_a_reason_for_having_none() -> None:
    scripts = {path.stem for path in ROOT.glob("*/bsg_*/**/*.lua") if path.parent.name != SHARED}

    with_point = {effect.removeprefix("script ").partition(":")[0] for effect in EFFECTS if effect.startswith("script")}
    left_out = {effect.removeprefix("script ") for effect in LEFT_OUT if effect.startswith("script")}

    assert with_point | left_out == scripts
    assert not with_point & left_out


def test_there_are_at_least_75_points_and_none_twice_in_a_scenario() -> None:
    assert len({point for points in POINTS.values() for point in points}) >= 75
    assert all(max(Counter(points).values()) == 1 for points in POINTS.values())


def test_an_effect_that_somebody_has_and_no_point_stands_at_is_reported() -> None:
    passed = {"before script dispatch", "after script due: live (nothing)", "after redis SET zone", "after sleep"}

    assert without_point(passed) == set()
    assert without_point({*passed, "after script new", "before redis DEL key"}) == {"script new", "redis DEL key"}


def test_a_row_shows_what_recovered_it_after_how_long_and_what_was_lost_and_doubled() -> None:
    row = Row(an_outcome(), an_outcome(kills=9, seconds=31.0, aged=30.0))

    assert table([row]).splitlines()[-1] == (
        "| after script dispatch: send |  | lease ran out | 4.2 s | 8 | 31.0 s + 30 s aged | 0 | 0 |"
    )
    assert row.held
    assert totals([row]).startswith("1 points, 10 times SIGKILL, 6 messages: 0 lost, 0 doubled")


def test_a_point_that_nobody_reached_is_a_failure() -> None:
    row = Row(an_outcome(trouble="nobody reached it", recovered_by="", result=CheckResult()))

    assert not row.held
    assert "NOT SHOWN" in table([row])
    assert "nobody reached it" in troubles([row])


def test_a_message_that_was_doubled_at_the_second_kill_alone_is_a_failure() -> None:
    doubled = CheckResult(messages=3, findings=[Finding(Fault.DOUBLED, "message 1 arrived 2 times")])
    row = Row(an_outcome(scenario=that_is_retried), an_outcome(scenario=that_is_retried, result=doubled))

    assert not row.held
    assert table([row]).endswith("| 0 | 1 |")
    assert "message 1 arrived 2 times" in troubles([row])


def test_what_is_armed_is_armed_until_it_is_disarmed(tmp_path: Path) -> None:
    arm(tmp_path, "after GET detail", "before sleep")
    assert armed(tmp_path) == {"after GET detail", "before sleep"}
    disarm(tmp_path)
    assert armed(tmp_path) == set()
