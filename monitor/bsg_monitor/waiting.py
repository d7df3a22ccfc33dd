"""Who is waiting for what: the one thing, in words, that keeps a campaign from going on."""

from __future__ import annotations

from dataclasses import dataclass

from bsg_ledger.gate import GateState
from bsg_ledger.listing import ListedCampaign
from bsg_ledger.moments import moment

SOON_MS = 2000  # a batch that is due within so long waits for nobody


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for every campaign of an account. `gate` is None if its key is not set here."""

    foreign: bool  # the keys of other accounts are
    gate: GateState | None
    cooling: bool
    now_ms: int


def waits_for(campaign: ListedCampaign, circumstances: Circumstances) -> str:
    """What the campaign waits for, the most hindering first; "" if nothing is left to do."""
    counts = campaign.summary.counts
    if campaign.asking:
        return f"a person: {campaign.asking} {'batch' if campaign.asking == 1 else 'batches'} to resolve"
    if campaign.summary.state.final:
        return ""
    unsent = counts["unprepared"] + counts["pending"] + counts["claimed"]
    if unsent and campaign.summary.paused:
        return "a person: it is paused"
    if unsent and circumstances.foreign:
        return f"workers with its key: account {campaign.summary.account_name}"
    if counts["pending"] and circumstances.gate is not None and not circumstances.gate.open:
        return f"the gate: shut, {circumstances.gate.reason}"
    if counts["pending"] and circumstances.cooling:
        return "the account's cool-down"
    if counts["posting"]:
        return "BSG's answer"
    if counts["claimed"]:
        return "a slot of the rate limit"
    if counts["unprepared"]:
        return "a worker to prepare it"
    if counts["pending"] and campaign.next_due_ms is not None and campaign.next_due_ms > circumstances.now_ms + SOON_MS:
        return f"its next try at {moment(campaign.next_due_ms):%H:%M:%S} UTC"
    if counts["pending"]:
        return "a worker to send it"
    if counts["unconfirmed"]:
        return "a look at BSG: in doubt"
    return "BSG to finish"
