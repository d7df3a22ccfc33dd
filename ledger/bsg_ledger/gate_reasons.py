"""The reasons of gates as sentences: why a gate is shut or half open, and what opens it."""

from __future__ import annotations

from dataclasses import dataclass

from bsg_config.named_accounts import DEFAULT_ACCOUNT, variable
from bsg_ledger.gate import GateReason

TRIAL_DECIDES = (
    "A clear response from BSG to that batch opens the gate completely. Without one, it is shut again for twice as "
    "long."
)
"""What follows a batch that a half-open gate lets through."""


@dataclass(frozen=True, slots=True)
class Shut:
    """`why` completes "because"; `opens` is a sentence."""

    why: str
    opens: str


def shut_for(reason: str, account_name: str) -> Shut:
    """Return the sentences for a shut gate's reason. A reason that this version does not know is shown as it is."""
    option = "" if account_name == DEFAULT_ACCOUNT else f" --account {account_name}"
    by_hand = f"`bsg-campaigns gate open{option}` opens it."
    match reason:
        case GateReason.BAD_KEY:
            return Shut(
                "BSG does not accept the key",
                f"Correct {variable('BSG_API_KEY', account_name)} and start the workers again. A probe opens the gate "
                "once BSG accepts it.",
            )
        case GateReason.BLOCKED:
            return Shut("BSG has blocked the account", "Ask BSG. A probe opens the gate once BSG responds to it again.")
        case GateReason.NO_FUNDS:
            return Shut(
                "BSG says that the balance does not suffice",
                "Add funds at BSG. A probe opens the gate once balance and credit cover the next batch by the prices"
                " seen, and half every ten minutes.",
            )
        case GateReason.DOUBTS:
            return Shut(
                "BSG left several requests in a row without a clear response",
                f"Once BSG responds to a probe, the gate opens half: one batch goes through. {TRIAL_DECIDES} The "
                "longest time is ten minutes.",
            )
        case GateReason.OPERATOR:
            return Shut("an operator shut it", by_hand)
        case GateReason.LEDGER_WENT_BACK:
            return Shut(
                "Redis was restored from an older copy, so that what waits may have been sent",
                f"`bsg-campaigns audit --recover{option}` looks it up at BSG and opens the gate.",
            )
        case _:
            return Shut(reason, by_hand)
