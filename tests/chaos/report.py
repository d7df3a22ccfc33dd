"""What a run prints: a line now and then, the figures at the end, and the history of whatever went wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bsg_ledger.records import Transition
from tests.chaos.accounts import Account
from tests.chaos.conservation import ConservationWatch
from tests.chaos.faults import Faults
from tests.chaos.findings import CheckResult, Fault, Finding
from tests.chaos.healing import Healed
from tests.chaos.recovery import Recovery

FINDINGS_SHOWN = 20
TRANSITIONS_SHOWN = 40


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def figures(result: CheckResult, faults: Faults, healed: Healed, recovery: Recovery, watch: ConservationWatch) -> str:
    kills = faults.kills()
    return "\n".join(
        [
            f"messages          {result.messages} in {result.campaigns + result.stream_campaigns} campaigns;"
            f" {result.arrived} arrived",
            f"  by streams      {result.streamed} in {result.stream_campaigns} campaigns, whose counts were read"
            f" {watch.reads} times; {_counted(_of(faults, 'stream'))}",
            f"  by state        {_counted(result.by_state)}",
            f"  rejected        {_counted(result.rejected_because)}",
            f"kills             {sum(kills.values())}: {_counted(kills)}",
            f"network           {_counted(_of(faults, 'network'))}",
            f"BSG               {_counted(_of(faults, 'bsg'))}",
            f"lost              {result.count(Fault.LOST)}",
            f"doubled           {result.count(Fault.DOUBLED)}",
            f"misreported       {result.count(Fault.MISREPORTED) + result.count(Fault.UNKNOWN)}",
            f"sent after cancel {result.count(Fault.SENT_AFTER_CANCEL)}; {result.stopped} BSG campaigns stopped",
            f"still in doubt    {result.count(Fault.IN_DOUBT)}",
            f"an operator          opened the gate {faults.happened['operator', 'open']} times,"
            f" decided {healed.resolved_as_sent} times sent, {healed.resolved_as_not_sent} times not sent,"
            f" retried {healed.messages_retried} refused messages",
            f"slowest recovery  {recovery}",
            *(f"    {_line(transition)}" for transition in recovery.way_of_the_slowest),
            f"healed after      {healed.seconds:.0f} s",
        ]
    )


def histories(
    result: CheckResult, accounts: Mapping[str, Sequence[Account]], at_bsg: Mapping[int, Sequence[int]]
) -> str:
    """Return each finding with its batch's transitions and the BSG campaigns in which its recipient arrived."""
    by_id = {account.campaign_id: account for several in accounts.values() for account in several}
    printed: set[tuple[str, str]] = set()
    lines = []
    for finding in result.findings[:FINDINGS_SHOWN]:
        lines.append(f"{finding.fault.upper()}: {finding.what} {finding.campaign_id} {finding.batch}".rstrip())
        if finding.phone is not None:
            lines.append(f"    BSG campaigns with this recipient: {list(at_bsg.get(finding.phone, []))}")
        account = by_id.get(finding.campaign_id)
        if account is not None and (finding.campaign_id, finding.batch) not in printed:
            printed.add((finding.campaign_id, finding.batch))
            lines += _history(account, finding)
    if len(result.findings) > FINDINGS_SHOWN:
        lines.append(f"… and {len(result.findings) - FINDINGS_SHOWN} more")
    return "\n".join(lines)


def where_the_logs_are(directory: Path) -> str:
    return f"Logs, journals and Redis's files are kept in {directory}"


def _history(account: Account, finding: Finding) -> list[str]:
    status = account.status
    if status is None:
        return []
    batch = next((f"    {each}" for each in status.batches if each.id == finding.batch), "")
    about = [each for each in status.transitions if not finding.batch or each.batch == finding.batch]
    return [batch, *(f"    {_line(each)}" for each in about[-TRANSITIONS_SHOWN:])]


def _line(transition: Transition) -> str:
    return (
        f"{transition.when:%H:%M:%S.%f} {transition.batch} {transition.from_state} → {transition.to_state}"
        f" ({transition.cause}) {transition.detail}"
    ).rstrip()


def _of(faults: Faults, subject: str) -> dict[str, int]:
    return {kind: number for (of, kind), number in faults.happened.items() if of == subject}


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if number) or "none"
