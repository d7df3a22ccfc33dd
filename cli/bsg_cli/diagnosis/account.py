"""Check whether BSG serves the accounts, and whether requests may leave for them."""

from __future__ import annotations

from collections.abc import Iterator

import redis

from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.printing import format_time
from bsg_config.account import Account
from bsg_config.named_accounts import DEFAULT_ACCOUNT, variable
from bsg_config.settings import Settings
from bsg_ledger.cool_down import cooling_until
from bsg_ledger.failures import FailureKind
from bsg_ledger.funds import queued_cost
from bsg_ledger.gate import GateReason
from bsg_ledger.gate_reasons import TRIAL_DECIDES, shut_for
from bsg_ledger.ledger import Ledger

SLOT_TIMEOUT_SECONDS = 20.0  # shared with the workers' status requests


def look_at_accounts(client: redis.Redis, settings: Settings) -> Iterator[Finding]:
    """Yield findings. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    if not settings.accounts:
        yield Finding(
            "BSG", Level.NOTE, "not asked: no BSG_API_KEY here", "Run doctor where the workers' settings are."
        )
        return
    for account in settings.accounts:
        yield _balance(client, settings, account)
        yield from _failures(client, account)
        yield _gate(client, account)
        yield from _cool_down(client, account)


def of_account(subject: str, account: Account) -> str:
    """Return the subject of a finding, with the account's name if it has one."""
    return subject if account.name == DEFAULT_ACCOUNT else f"{subject} ({account.name})"


def _balance(client: redis.Redis, settings: Settings, account: Account) -> Finding:
    subject = of_account("BSG", account)
    try:
        from bsg_client.outcomes import AccountReason, ReadFailed
        from bsg_worker.runtime import build
    except ImportError:
        return Finding(
            subject, Level.NOTE, "not asked: the worker is not installed", "pip install 'bsg-campaigns[worker]'"
        )
    try:
        found = build(settings, account, slot_timeout=SLOT_TIMEOUT_SECONDS).client.balance()
    except ReadFailed as failure:
        if failure.account_reason is AccountReason.BAD_KEY:
            return Finding(
                subject,
                Level.PROBLEM,
                "does not accept the key",
                f"Correct {variable('BSG_API_KEY', account.name)}, here and for the workers.",
            )
        if failure.account_reason is not None:
            return Finding(
                subject, Level.PROBLEM, f"does nothing for the account ({failure.account_reason})", "Ask BSG."
            )
        return Finding(
            subject,
            Level.PROBLEM,
            f"no usable response ({failure.cause})",
            f"Check {variable('BSG_BASE_URL', account.name)} and the network, and try again.",
        )
    left = f"{found.balance} {found.currency or ''}".strip()
    if found.balance + found.credit <= 0:
        return Finding(subject, Level.PROBLEM, f"accepts the key, but the balance is {left}", "Add funds at BSG.")
    cost = queued_cost(client, account.id, account.name)
    if cost is not None and found.balance + found.credit < cost:
        return Finding(
            subject,
            Level.WARNING,
            f"accepts the key, but the balance is {left}, and what is queued will cost about {cost:.2f} by the prices "
            "seen",
            "Add funds at BSG, before it pauses campaigns or the gate shuts.",
        )
    return Finding(subject, Level.OK, f"accepts the key; the balance is {left}")


def _failures(client: redis.Redis, account: Account) -> Iterator[Finding]:
    remedies = {
        FailureKind.ERROR: "What was not taken is tried again, what is in doubt is looked up. If it lasts, ask BSG.",
        FailureKind.THROTTLED: f"Lower {variable('BSG_RATE_LIMIT', account.name)} to what BSG allows.",
        FailureKind.UNREACHABLE: f"Check {variable('BSG_BASE_URL', account.name)} and the network.",
    }
    for spell in Ledger(client).failures(account.id).current():
        level = Level.WARNING if spell.several else Level.NOTE
        yield Finding(of_account("BSG", account), level, spell.describe(format_time), remedies[spell.kind])


def _gate(client: redis.Redis, account: Account) -> Finding:
    gate = Ledger(client).gate(account.id).state()
    if gate.open:
        return Finding(of_account("gate", account), Level.OK, "open")
    shut = shut_for(gate.reason, account.name)
    since = f" since {format_time(gate.since)}" if gate.since is not None else ""
    if gate.half_open:
        return Finding(
            of_account("gate", account),
            Level.WARNING,
            f"half open{since}, as {shut.why}: one batch at a time leaves",
            TRIAL_DECIDES,
        )
    level = Level.WARNING if gate.reason == GateReason.OPERATOR else Level.PROBLEM
    return Finding(of_account("gate", account), level, f"shut{since}, because {shut.why}: nothing leaves", shut.opens)


def _cool_down(client: redis.Redis, account: Account) -> Iterator[Finding]:
    until = cooling_until(client, account.id)
    if until is not None:
        message = f"cools down until {format_time(until)}, as BSG asked to: nothing leaves before"
        yield Finding(of_account("limiter", account), Level.NOTE, message)
