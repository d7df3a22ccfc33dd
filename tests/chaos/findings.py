"""What a run came to: the messages that were counted, and whatever is wrong with one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from bsg_ledger.states import BatchState
from tests.chaos.accounts import Record

ENDED_UNSENT = frozenset({"rejected", BatchState.REFUSED, BatchState.CANCELLED, BatchState.EXPIRED})


class Fault(StrEnum):
    LOST = "lost"  # finished or nowhere in the ledger, and it did not arrive
    DOUBLED = "doubled"  # it arrived more than once
    MISREPORTED = "misreported"  # the ledger says that it was not sent, and it arrived; or it gives no reason
    IN_DOUBT = "in doubt"  # not final when the timeout of the healing was over
    UNKNOWN = "unknown"  # it arrived, and no campaign has it
    SENT_AFTER_CANCEL = "sent after a cancel"  # though BSG could still have obeyed a stop


@dataclass(frozen=True, slots=True)
class Finding:
    fault: Fault
    what: str
    campaign_id: str = ""
    batch: str = ""
    phone: int | None = None


@dataclass(slots=True)
class CheckResult:
    """Messages are those of campaigns with a receipt, and of others that turned out to exist; streams' included.

    `streamed` and `stream_campaigns` are those of streams alone.
    """

    campaigns: int = 0
    stream_campaigns: int = 0
    messages: int = 0
    streamed: int = 0
    arrived: int = 0
    stopped: int = 0
    by_state: Counter[str] = field(default_factory=Counter)
    rejected_because: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def count(self, fault: Fault) -> int:
        return sum(finding.fault is fault for finding in self.findings)

    @property
    def proves_the_promise(self) -> bool:
        return not self.findings and self.messages > 0

    def count_record(self, record: Record | None) -> None:
        """Count where a message stands."""
        if record is not None:
            self.by_state[record.state] += 1
            if record.state == "rejected":
                self.rejected_because[record.reason] += 1


def judge_message(record: Record | None, times: int, *, must_be_rejected: bool = False) -> tuple[Fault | None, str]:
    """Return what is wrong with a message that is accepted and arrived so many times; None if nothing is."""
    if times > 1:
        return Fault.DOUBLED, f"arrived {times} times"
    if record is None:
        return Fault.LOST, "stands nowhere in the ledger"
    if must_be_rejected and record.state not in ENDED_UNSENT:
        return Fault.MISREPORTED, f"breaks a rule and is {record.state}"
    if record.state in ENDED_UNSENT:
        if times:
            return Fault.MISREPORTED, f"is {record.state} ({record.reason}) and arrived"
        return (None, "") if record.reason else (Fault.MISREPORTED, f"is {record.state} for no reason")
    if record.state != BatchState.FINISHED:
        return Fault.IN_DOUBT, f"is {record.state} ({record.reason})"
    return (None, "") if times == 1 else (Fault.LOST, "is finished and did not arrive")
