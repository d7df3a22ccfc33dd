"""Failed requests of an account: those that follow each other are one spell."""

from __future__ import annotations

from bsg_ledger.failures import QUIET_MS, FailureKind
from tests.ledger.campaigns import ACCOUNT, LedgerHarness

KEY = f"bsg:account:{ACCOUNT}:failures"


def test_failures_that_follow_each_other_are_one_spell_of_their_kind(ledger_harness: LedgerHarness) -> None:
    failures = ledger_harness.ledger.failures(ACCOUNT)
    for cause in ("HTTP 500", "HTTP 502"):
        failures.note(FailureKind.ERROR, cause)
    failures.note(FailureKind.THROTTLED, "HTTP 429")

    errors, throttled = failures.current()

    assert (errors.kind, errors.count, errors.cause) == (FailureKind.ERROR, 2, "HTTP 502")
    assert (throttled.kind, throttled.count) == (FailureKind.THROTTLED, 1)
    assert errors.since <= errors.last


def test_after_a_quiet_time_a_failure_begins_a_new_spell(ledger_harness: LedgerHarness) -> None:
    failures = ledger_harness.ledger.failures(ACCOUNT)
    failures.note(FailureKind.ERROR, "HTTP 500")
    began = failures.current()[0].since
    for name in ("error:last", "error:since"):
        ledger_harness.client.hincrby(KEY, name, -QUIET_MS - 1000)
    assert failures.current() == []

    failures.note(FailureKind.ERROR, "HTTP 500")

    (spell,) = failures.current()
    assert (spell.count, spell.since >= began) == (1, True)
    assert failures.totals()[FailureKind.ERROR] == 2
