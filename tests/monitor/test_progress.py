"""How far a campaign is: its messages are delivered, failed, sent or waiting, and each is one of these."""

from __future__ import annotations

from bsg_ledger.states import MESSAGE_STATES
from bsg_monitor.progress import Progress, progress_of


def counts(**states: int) -> dict[str, int]:
    return {"accepted": sum(states.values()), **dict.fromkeys(MESSAGE_STATES, 0), **states}


def test_what_was_not_sent_and_what_was_not_delivered_has_failed() -> None:
    by_state = counts(rejected=1, refused=2, expired=3, cancelled=4, finished=100)
    reported = {"delivered": 80, "undelivered": 5, "failed": 6, "expired": 7, "sent": 2}

    assert progress_of(by_state, reported) == Progress(delivered=80, failed=28, sent=2, waiting=0)


def test_what_bsg_has_not_reported_is_sent_and_the_rest_waits() -> None:
    by_state = counts(unprepared=10, pending=20, posting=5, unconfirmed=5, submitted=40, finished=20)

    assert progress_of(by_state, None) == Progress(delivered=0, failed=0, sent=60, waiting=40)


def test_what_bsg_sends_later_waits() -> None:
    assert progress_of(counts(submitted=25), None, scheduled=True) == Progress(0, 0, 0, waiting=25)
    assert progress_of(counts(submitted=25), {"delivered": 25}, scheduled=True) == Progress(25, 0, 0, 0)


def test_a_report_of_more_than_bsg_has_does_not_exceed_the_campaign() -> None:
    found = progress_of(counts(rejected=5, finished=10), {"delivered": 9, "undelivered": 7})

    assert found == Progress(delivered=9, failed=6, sent=0, waiting=0)
    assert found.accepted == 15


def test_the_shares_are_percentages_of_all_and_leave_out_what_is_not_there() -> None:
    assert Progress(delivered=6, failed=2, sent=0, waiting=0).shares() == [("delivered", 6, 75.0), ("failed", 2, 25.0)]
    assert Progress(0, 0, 0, 0).shares() == []
