"""Look up batches in doubt at BSG, and record those that BSG has. A separate module: it needs the worker's code."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bsg_cli.auditing import SLOT_TIMEOUT_SECONDS, unanswered
from bsg_cli.confirmation import confirmed, require_decision, show_plan
from bsg_cli.connection import settings_in
from bsg_cli.errors import ExitCode
from bsg_cli.printing import Progress, number, print_json
from bsg_client.outcomes import ReadFailed
from bsg_ledger.batch_id import BatchId
from bsg_ledger.doubts import Doubt
from bsg_ledger.records import BatchRecord
from bsg_producer.queue_errors import queue_errors
from bsg_worker.reconcile.lookup import Finding, Found, Undecided
from bsg_worker.reconcile.read_once import ReadOnce
from bsg_worker.reconcile.reconcile import look_up, record_found
from bsg_worker.runtime import Runtime, build


@dataclass(frozen=True, slots=True)
class _Looked:
    record: BatchRecord
    finding: Finding


def run(arguments: argparse.Namespace) -> ExitCode:
    """Look up, show, ask, record. If a worker has found a batch meanwhile, it is recorded once."""
    if arguments.json:
        require_decision(arguments)
    settings = settings_in(arguments.data_directory)
    runtime = build(settings, settings.of_account(arguments.account), slot_timeout=SLOT_TIMEOUT_SECONDS)
    try:
        with queue_errors():
            doubts = runtime.ledger.doubts(runtime.account.id, since=arguments.since, until=arguments.until)
            looked = _looked_up(runtime, doubts)
            found = {name: one for name, one in looked.items() if isinstance(one.finding, Found)}
            planned = {name: _what_is_done(one.finding) for name, one in found.items()}
            show_plan(doubts, planned, arguments, lambda doubt: _why_left_alone(looked.get(doubt.batch)))
            if found and confirmed(arguments, f"Record these {number(len(found))} batches as sent?"):
                _record(runtime, found, json=arguments.json)
    except ReadFailed as failure:
        raise unanswered(failure, arguments.account) from None
    return ExitCode.OK


def _looked_up(runtime: Runtime, doubts: Sequence[Doubt]) -> dict[BatchId, _Looked]:
    if not doubts:
        return {}
    now = runtime.ledger.due_indexes.now()
    reads = ReadOnce(runtime.client, min(doubt.since for doubt in doubts), now)
    progress, looked = Progress(), dict[BatchId, _Looked]()
    try:
        for count, record in enumerate(runtime.ledger.reading.batch_records(doubt.batch for doubt in doubts), 1):
            progress.show(f"looking up batch {count} of {len(doubts)}")
            looked[record.id] = _Looked(record, look_up(runtime, record, runtime.messages_of(record.id), reads))
    finally:
        progress.clear()
    return looked


def _what_is_done(finding: Finding) -> str:
    ids = [str(campaign.id) for campaign in finding.campaigns] if isinstance(finding, Found) else []
    return f"is recorded as sent: BSG campaign {', '.join(ids)}"


def _why_left_alone(looked: _Looked | None) -> str:
    if looked is None:
        return "left alone: it is gone"
    if isinstance(looked.finding, Undecided):
        return f"left alone: {looked.finding.cause}"
    return "left alone: BSG does not show it"


def _record(runtime: Runtime, found: Mapping[BatchId, _Looked], *, json: bool) -> None:
    for name, one in found.items():
        if isinstance(one.finding, Found):
            state = record_found(runtime, one.record, one.finding.campaigns)
            if json:
                print_json({"batch": name, "messages": one.record.size, "state": state})
            else:
                print(f"Batch {name}: {state}.")
