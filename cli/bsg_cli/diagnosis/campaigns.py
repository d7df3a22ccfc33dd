"""Check for what waits in the ledger for too long, or for an operator."""

from __future__ import annotations

from collections.abc import Iterator

import redis

from bsg_cli.diagnosis.account import of_account
from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.printing import format_time, number
from bsg_config.account import Account
from bsg_config.named_accounts import variable
from bsg_config.settings import Settings
from bsg_ledger.due_indexes import DueIndex, unassigned
from bsg_ledger.ledger import Ledger

MAX_WAIT_SECONDS = 300.0
MAX_LEASE_OVER_SECONDS = 60.0  # the sweep looks every second
MAX_UNPOLLED_SECONDS = 3600.0  # under a low limit, thousands of batches wait for a request
MAX_NAMED = 5
_DAY = 86_400
SPAM_SHOWN_FOR_MS = _DAY * 1000


def look_at_campaigns(client: redis.Redis, settings: Settings) -> Iterator[Finding]:
    """Yield findings. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    ledger = Ledger(client)
    for account in settings.accounts:
        yield from _overdue(ledger, account)
        yield from _doubt(ledger, account)
        yield from _spam(ledger, account)
    yield _oldest_due(ledger, settings)
    yield from _alarms(ledger)
    yield Finding(
        "retention",
        Level.NOTE,
        f"texts and phones of final batches are kept for {settings.body_retention / _DAY:g} days, campaigns for "
        f"{settings.ledger_retention / _DAY:g}",
    )


def _doubt(ledger: Ledger, account: Account) -> Iterator[Finding]:
    subject = of_account("in doubt", account)
    unconfirmed = ledger.due_indexes.members(DueIndex.DOUBT, account=account.id)
    undecided_ids = ledger.due_indexes.members(DueIndex.NEEDS_OPERATOR, account=account.id)
    if undecided_ids:  # guard: operator-is-a-problem
        named = ", ".join(undecided_ids[:MAX_NAMED]) + (" …" if len(undecided_ids) > MAX_NAMED else "")
        yield Finding(
            subject,
            Level.PROBLEM,
            f"{number(len(undecided_ids))} batches need an operator: {named}",
            "`bsg-campaigns explain CAMPAIGN` says what is wrong with each, and how to decide it;"
            " `bsg-campaigns resolve --all-not-sent` decides those of which BSG has no trace.",
        )
    undecided = sorted(set(unconfirmed) - set(undecided_ids))
    message = f"{number(len(undecided))} batches are being looked up at BSG"
    looks = sorted(ledger.due_indexes.looks(DueIndex.DOUBT, undecided, account=account.id).values())
    if looks:
        message += f", together; next at {format_time(looks[0])}, all of them by {format_time(looks[-1])}"
    yield Finding(subject, Level.NOTE if undecided else Level.OK, message)


def _spam(ledger: Ledger, account: Account) -> Iterator[Finding]:
    since = ledger.due_indexes.now_ms() - SPAM_SHOWN_FOR_MS
    found = ledger.due_indexes.since(DueIndex.SPAM_AT_BSG, since, account=account.id)
    if found:
        named = ", ".join(found[:MAX_NAMED]) + (" …" if len(found) > MAX_NAMED else "")
        yield Finding(
            of_account("moderation", account),
            Level.WARNING,
            f"{number(len(found))} batches did not pass BSG's moderation within a day, and were not sent: {named}",
            "Ask BSG what is wrong with the text, and send another one as a new campaign.",
        )


def _overdue(ledger: Ledger, account: Account) -> Iterator[Finding]:
    """Yield what is overdue. Only a status worker with the account's key processes it."""
    for index, longest, what in (
        (DueIndex.LEASES, MAX_LEASE_OVER_SECONDS, "was taken by a worker whose lease is over"),
        (DueIndex.LIVE, MAX_UNPOLLED_SECONDS, "should have been asked for at BSG"),
    ):
        due = ledger.due_indexes.oldest_due([(index, account.id)])
        seconds = 0.0 if due is None else (ledger.due_indexes.now_ms() - due.since_ms) / 1000
        if due is not None and seconds > longest:
            yield Finding(
                of_account("status", account),
                Level.PROBLEM,
                f"batch {due.member} {what} since {seconds:.0f} s, and nobody looks after it",
                f"Start a status worker with {variable('BSG_API_KEY', account.name)}, and beat.",
            )


def _oldest_due(ledger: Ledger, settings: Settings) -> Finding:
    names = {*ledger.reading.account_names(), *(account.name for account in settings.accounts)}
    owners = [*map(unassigned, names), *(account.id for account in settings.accounts)]
    due = ledger.due_indexes.oldest_waiting(owners)
    if due is None:
        return Finding("waiting", Level.OK, "nothing is due")
    seconds = max(0.0, (ledger.due_indexes.now_ms() - due.since_ms) / 1000)
    message = f"the oldest that is due has been so for {seconds:.0f} s, in campaign {due.member}"
    if seconds <= MAX_WAIT_SECONDS:
        return Finding("waiting", Level.OK, message)
    return Finding("waiting", Level.WARNING, message, f"`bsg-campaigns explain {due.member}` says what it waits for.")


def _alarms(ledger: Ledger) -> Iterator[Finding]:
    alarms = ledger.reading.alarms()
    if alarms:
        yield Finding(
            "alarms",
            Level.NOTE,
            f"{number(alarms)} since this ledger began: BSG had a batch twice, one that the ledger did not know, "
            "or did not know one that it had to stop",
            "`bsg-campaigns audit` names what either side lacks.",
        )
