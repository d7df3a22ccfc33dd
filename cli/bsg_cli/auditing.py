"""Run an audit and print it. A separate module: the command line has to work without the worker installed."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta

from bsg_cli.connection import settings_in
from bsg_cli.errors import BadInput, ExitCode, Unreachable
from bsg_cli.printing import Progress, format_time, number, print_json, print_table
from bsg_client.outcomes import ReadFailed
from bsg_config import clock
from bsg_config.named_accounts import variable
from bsg_producer.queue_errors import queue_errors
from bsg_worker.recovery.audit import Audit, Origin, Orphan, audit
from bsg_worker.recovery.recover import Recovery, record_late, recover
from bsg_worker.runtime import Runtime, build

MAX_PERIOD = timedelta(days=92)  # GET /api/campaigns: three months at most
SLOT_TIMEOUT_SECONDS = 120.0  # shared with the workers' status requests


def run(arguments: argparse.Namespace) -> ExitCode:
    since, until = _period(arguments)
    settings = settings_in(arguments.data_directory)
    runtime = build(settings, settings.of_account(arguments.account), slot_timeout=SLOT_TIMEOUT_SECONDS)
    try:
        with queue_errors():
            recovery = _recovered(runtime) if arguments.recover else None
            compared = audit(runtime, since, until if arguments.until else clock.now())
            if recovery is not None and (late := record_late(runtime, compared)):
                recovery.found |= late
                compared = audit(runtime, since, compared.until)
    except ReadFailed as failure:
        raise unanswered(failure, arguments.account) from None
    if arguments.json:
        print_json({"recovery": recovery, "audit": compared})
    else:
        if recovery is not None:
            _print_recovery(recovery)
        _print_audit(compared)
    done = recovery is None or (recovery.gate_open and not recovery.doubtful)
    return ExitCode.OK if done and not compared.lacking else ExitCode.FAILED


def _period(arguments: argparse.Namespace) -> tuple[datetime, datetime]:
    until = arguments.until or clock.now()
    since = arguments.since or until - timedelta(days=1)
    if since >= until:
        raise BadInput("--since: it is not before --until. Give an earlier time.")
    if until - since > MAX_PERIOD:
        raise BadInput(f"--since: more than {MAX_PERIOD.days} days before --until. Audit a shorter period.")
    return since, until


def _recovered(runtime: Runtime) -> Recovery:
    progress = Progress()
    try:
        return recover(runtime, progress.show)
    finally:
        progress.clear()


def unanswered(failure: ReadFailed, account: str) -> Exception:
    key, address = (variable(name, account) for name in ("BSG_API_KEY", "BSG_BASE_URL"))
    if failure.account_reason is not None:
        return BadInput(f"{key}: BSG does nothing for this account ({failure.account_reason}): {failure.cause}")
    return Unreachable(f"{address}: no usable response ({failure.cause}). What was found is on record: try again.")


def _print_recovery(recovery: Recovery) -> None:
    looked = len(recovery.found) + len(recovery.doubtful) + len(recovery.clean)
    print(f"Batches that were looked up: {number(looked)}. BSG has {number(len(recovery.found))} of them.")
    for batch, bsg_id in recovery.found.items():
        print(f"  {batch} is BSG campaign {bsg_id}")
    for batch, cause in recovery.doubtful.items():
        print(f"  {batch} is in doubt: {cause}")
    if recovery.gate_open:
        print(f"The gate is open. Batches without a trace at BSG, which are sent now: {number(len(recovery.clean))}.")
    else:
        print("The gate stays shut for another reason: `bsg-campaigns gate` shows it.")
    print()


def _print_audit(compared: Audit) -> None:
    print(
        f"Campaigns at BSG, {format_time(compared.since)} to {format_time(compared.until)}: {number(compared.at_bsg)}."
    )
    if compared.orphans:
        print("\nAt BSG, but no batch of the ledger owns it:")
        print_table(
            ("BSG campaign", "messages", "status", "made at (BSG)", "whose"),
            (
                (
                    str(one.bsg_campaign_id),
                    "?" if one.messages is None else number(one.messages),
                    one.status,
                    "" if one.created_at is None else str(one.created_at),
                    _whose(one),
                )
                for one in compared.orphans
            ),
        )
    if compared.not_at_bsg:
        print("\nTaken as far as the ledger knows, but BSG does not show it:")
        print_table(
            ("batch", "messages", "state", "BSG campaign", "submitted at"),
            (
                (one.batch, number(one.messages), one.state, str(one.bsg_campaign_id), format_time(one.submitted_at))
                for one in compared.not_at_bsg
            ),
        )
    if compared.waiting:
        print("\nNot done yet:")
        print_table(
            ("batch", "messages", "state"),
            (
                (one.batch, number(one.messages), f"{one.state} (resolve it)" if one.needs_operator else one.state)
                for one in compared.waiting
            ),
        )
    if not compared.lacking:
        print("Neither side lacks any of them.")


def _whose(one: Orphan) -> str:
    origins = [_origin(origin) for origin in one.origins]
    if one.other_ids:
        origins.append(f"{number(one.other_ids)} reference ids that were not made here")
    return "; ".join(origins) or "no reference ids"


def _origin(origin: Origin) -> str:
    if not origin.known:
        return f"campaign {origin.campaign_id}, which the ledger does not know"
    return f"campaign {origin.campaign_id}, batch {', '.join(origin.batches) or 'unknown'}"
