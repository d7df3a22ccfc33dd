"""The summary that a demo shows at its end, and whether its counts are consistent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from bsg_cli.presenting import headline, print_batches, print_counts, transition_line
from bsg_cli.printing import messages, number, print_json
from bsg_ledger.records import Batch, CampaignStatus
from bsg_ledger.states import CampaignState
from bsg_producer import Producer
from bsg_sandbox.record import Summary


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """`faults`: the inconsistencies, none if all went well. `cost`: as BSG reported it, by currency."""

    status: CampaignStatus
    rejected_by_reason: Mapping[str, int]
    cost: Mapping[str, str]
    arrived: Summary
    seconds: float
    faults: Sequence[str]

    def show(self, *, json: bool) -> None:
        """Print it."""
        if json:
            print_json(self)
            return
        print(f"\n{headline(self.status)} after {self.seconds:.1f} s")
        print_counts(self.status.counts)
        for reason, count in self.rejected_by_reason.items():
            print(f"    {reason:<24} {number(count)}")
        print()
        print_batches(self.status.batches)
        print()
        for transition in self.status.transitions:
            print(transition_line(transition))
        print()
        if self.cost:
            amounts = ", ".join(f"{amount} {currency}".strip() for currency, amount in self.cost.items())
            print(f"Cost as BSG reported it: {amounts}")
        print(
            f"The sandbox's record: {messages(self.arrived.messages)} arrived, "
            f"{number(self.arrived.distinct_references)} of them different."
        )
        for fault in self.faults:
            print(f"WRONG: {fault}")
        if not self.faults:
            print("The counts add up, and each message arrived exactly once.")


def summarise(producer: Producer, status: CampaignStatus, arrived: Summary, seconds: float) -> DemoSummary:
    """Compare the ledger with what arrived at the sandbox."""
    reasons = Counter(reject.code.value for reject in producer.rejects(status.campaign_id))
    return DemoSummary(
        status=status,
        rejected_by_reason=dict(reasons.most_common()),
        cost=total_cost(status.batches),
        arrived=arrived,
        seconds=seconds,
        faults=faults_of(status.state, status.counts, reasons.total(), arrived),
    )


def faults_of(state: str, counts: Mapping[str, int], rejects: int, arrived: Summary) -> list[str]:
    """Return the inconsistencies as sentences."""
    accepted = counts["accepted"]
    rejected = counts.get("rejected", 0)
    by_state = sum(count for name, count in counts.items() if name != "accepted")
    due = accepted - rejected
    checks = (
        (state == CampaignState.DONE, f"the campaign is {state}, not done"),
        (by_state == accepted, f"accepted {accepted}, but {by_state} in all states together"),
        (rejects == rejected, f"rejected {rejected}, but {rejects} rejects are listed"),
        (
            counts.get("finished", 0) == due,
            f"{due} were to be sent, but {counts.get('finished', 0)} finished",
        ),
        (arrived.messages == due, f"{due} were to be sent, but {arrived.messages} arrived"),
        (
            arrived.distinct_references == due and arrived.repeated_references == 0,
            f"{arrived.distinct_references} different ones arrived, {arrived.repeated_references} came again",
        ),
    )
    return [fault for holds, fault in checks if not holds]


def total_cost(batches: Sequence[Batch]) -> dict[str, str]:
    """Return the batches' costs by currency. A price that is not a number is left out."""
    totals: dict[str, Decimal] = {}
    for batch in batches:
        amount, _, currency = (batch.cost or "").partition(" ")
        try:
            totals[currency] = totals.get(currency, Decimal(0)) + Decimal(amount)
        except InvalidOperation:
            continue
    return {currency: str(total) for currency, total in totals.items()}
