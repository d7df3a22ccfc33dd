"""Why a gate is shut, and what opens it, in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from bsg_ledger.gate import GateReason


@dataclass(frozen=True, slots=True)
class Shut:
    """`why` completes "because"; `opens` is a sentence."""

    why: str
    opens: str


_SHUT = {
    GateReason.BAD_KEY: Shut(
        "BSG does not accept the key",
        "Mend BSG_API_KEY and start the workers again. A probe opens the gate once BSG accepts it.",
    ),
    GateReason.BLOCKED: Shut(
        "BSG has blocked the account",
        "Ask BSG. A probe opens the gate once BSG answers it again.",
    ),
    GateReason.NO_FUNDS: Shut(
        "BSG says that the balance does not suffice",
        "Add funds at BSG. A probe opens the gate once the balance has risen, and for a trial every ten minutes.",
    ),
    GateReason.DOUBTS: Shut(
        "BSG left several requests in a row without a clear answer",
        "A probe opens the gate once BSG answers it.",
    ),
    GateReason.OPERATOR: Shut("a person shut it", "`bsg-campaigns gate open` opens it."),
    GateReason.LEDGER_WENT_BACK: Shut(
        "Redis was restored from an older copy, so that what waits may have been sent",
        "`bsg-campaigns audit --adopt` looks it up at BSG and opens the gate.",
    ),
}


def shut_for(reason: str) -> Shut:
    """What a shut gate's reason means. A word that this version does not know stands for itself."""
    try:
        return _SHUT[GateReason(reason)]
    except ValueError:
        return Shut(reason, "`bsg-campaigns gate open` opens it.")
