"""Move campaigns to the current key, and print the results. A separate module: it needs the worker installed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bsg_cli.connection import settings_in
from bsg_cli.errors import BadInput, ExitCode, Unreachable
from bsg_cli.printing import number, print_json
from bsg_client.outcomes import ReadFailed
from bsg_config.named_accounts import variable
from bsg_ledger.keys import Rekeyed
from bsg_producer.queue_errors import queue_errors
from bsg_worker.recovery.rekey import Moved, move
from bsg_worker.runtime import Runtime, build

SLOT_TIMEOUT_SECONDS = 60.0  # shared with the workers' status requests
BATCHES_SHOWN = 4

_REMEDIES = {
    Rekeyed.BEGUN: "BSG has or may have {batches} for the old key, and shows them under that alone. Give the workers "
    "the old key under a name of its own, such as {old_key}, until the campaign is done. If BSG never took the "
    "old key, say so of each batch: `bsg-campaigns resolve BATCH --not-sent`.",
    Rekeyed.IN_USE: "a process has the old key. If it is not to go on with it, stop it, and repeat this half a minute "
    "later.",
    Rekeyed.ELSEWHERE: "the old key was for another {address}. `bsg-campaigns cancel {campaign}` ends it.",
    Rekeyed.WENT_BACK: "the ledger went back to an older copy while it was for the old key, so BSG may have it. With "
    "the old key, run `bsg-campaigns audit --recover`.",
}


def run(arguments: argparse.Namespace) -> ExitCode:
    settings = settings_in(arguments.data_directory)
    settings.require_accounts()
    runtime = build(settings, settings.of_account(arguments.account), slot_timeout=SLOT_TIMEOUT_SECONDS)
    with queue_errors():
        _check_key(runtime)  # guard: rekey-checks-key
        known = {account.id for account in settings.accounts}
        olds = runtime.ledger.keys.owners(arguments.account) - known
        results = [result for old in sorted(olds) for result in move(runtime, old, by="operator")]
        results = [result for result in results if _matters(runtime, result)]
    if arguments.json:
        for result in results:
            print_json(
                {
                    "campaign_id": result.campaign_id,
                    "outcome": result.rekeying.kind,
                    "batches": list(result.rekeying.batches),
                }
            )
    else:
        _print(results, arguments.account)
    return ExitCode.OK if all(result.rekeying.kind is Rekeyed.MOVED for result in results) else ExitCode.FAILED


def _check_key(runtime: Runtime) -> None:
    """Raise BadInput if BSG does not accept the key: it would orphan the campaigns again. Raise Unreachable."""
    key, address = (variable(name, runtime.account.name) for name in ("BSG_API_KEY", "BSG_BASE_URL"))
    try:
        runtime.client.balance()
    except ReadFailed as failure:
        if failure.account_reason is not None:
            message = f"BSG does nothing for this account ({failure.account_reason}). Nothing was moved."
            raise BadInput(f"{key}: {message}") from None
        raise Unreachable(f"{address}: no usable response ({failure.cause}). Nothing was moved: try again.") from None


def _matters(runtime: Runtime, result: Moved) -> bool:
    """Return whether the campaign has anything left to do. Otherwise it may stay where it is."""
    if result.rekeying.kind is Rekeyed.MOVED:
        return True
    summary = runtime.ledger.reading.summary(result.campaign_id)
    return result.rekeying.kind is not Rekeyed.STALE and summary is not None and not summary.state.final


def _print(results: Sequence[Moved], account: str) -> None:
    moved = sum(result.rekeying.kind is Rekeyed.MOVED for result in results)
    print(f"Moved to {variable('BSG_API_KEY', account)}: {number(moved)} campaigns.")
    for result in results:
        if result.rekeying.kind is not Rekeyed.MOVED:
            remedy = _REMEDIES[result.rekeying.kind].format(
                batches=_named(result.rekeying.batches),
                old_key=variable("BSG_API_KEY", "old"),
                address=variable("BSG_BASE_URL", account),
                campaign=result.campaign_id,
            )
            print(f"Not moved: {result.campaign_id}: {remedy}")


def _named(batches: Sequence[str]) -> str:
    more = len(batches) - BATCHES_SHOWN
    return ", ".join(batches[:BATCHES_SHOWN]) + (f" and {number(more)} more" if more > 0 else "")
