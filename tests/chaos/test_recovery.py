"""The time from the last step of whoever held a batch until it is out of doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bsg_ledger.records import Transition
from tests.chaos.recovery import recovery_of

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def step(at: float, from_state: str, to_state: str, cause: str = "", batch: str = "c-0") -> Transition:
    return Transition("c", BEGAN + timedelta(seconds=at), batch, from_state, to_state, cause, "", str(at))


INTENT = step(0, "pending", "posting", "intent")


def test_a_lease_that_ran_out_on_the_wire_is_recovered_from_when_it_is_out_of_doubt() -> None:
    history = [
        INTENT,
        step(1, "pending", "posting", "intent", batch="c-1"),
        step(4, "posting", "unconfirmed", "lease ran out on the wire"),
        step(9, "unconfirmed", "submitted", "found at BSG"),
        step(60, "submitted", "finished", "done"),
    ]

    recovery = recovery_of([history])

    assert (recovery.leases_run_out, recovery.responses_lost, recovery.slowest) == (1, 0, 9)
    assert [each.to_state for each in recovery.way_of_the_slowest] == ["posting", "unconfirmed", "submitted"]


def test_a_response_that_was_lost_counts_too_and_a_clear_one_does_not() -> None:
    lost = [INTENT, step(1, "posting", "unconfirmed", "no response"), step(3, "unconfirmed", "pending", "absent")]
    clear = [INTENT, step(100, "posting", "pending", "throttled")]

    recovery = recovery_of([lost, clear])

    assert (recovery.leases_run_out, recovery.responses_lost, recovery.slowest) == (0, 1, 3)


def test_what_an_operator_ended_is_counted_without_its_time() -> None:
    history = [
        INTENT,
        step(4, "posting", "unconfirmed", "lease ran out on the wire"),
        step(500, "unconfirmed", "pending", "operator: not sent"),
    ]

    recovery = recovery_of([history])

    assert (recovery.by_operator, recovery.slowest) == (1, 0)
