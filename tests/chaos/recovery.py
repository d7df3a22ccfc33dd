"""How long a batch took to settle whose process was killed or frozen, or cut off from Redis, with the batch in hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bsg_ledger.records import Transition
from bsg_ledger.states import BatchState

IN_HAND = frozenset({BatchState.CLAIMED, BatchState.POSTING})
LEASE_RAN_OUT = "lease ran out"  # how the causes of both transitions begin that end a lease
PERSON = "operator"


@dataclass(frozen=True, slots=True)
class Recovery:
    """`slowest`: seconds from the last step of the one who held the batch to its next state out of doubt.

    Counted are leases that ran out. Those that a person ended are counted apart, without a time.
    """

    recovered: int = 0
    by_person: int = 0
    slowest: float = 0.0

    def __str__(self) -> str:
        return f"{self.slowest:.1f} s of {self.recovered} leases that ran out; {self.by_person} more ended by a person"


def recovery_of(histories: Iterable[Sequence[Transition]]) -> Recovery:
    """`histories`: each campaign's transitions, oldest first."""
    seconds: list[float] = []
    by_person = 0
    for history in histories:
        by_batch: dict[str, list[Transition]] = {}
        for transition in history:
            by_batch.setdefault(transition.batch, []).append(transition)
        for transitions in by_batch.values():
            for place, transition in enumerate(transitions):
                if place == 0 or not transition.cause.startswith(LEASE_RAN_OUT):
                    continue
                settled = next((t for t in transitions[place:] if t.to_state not in _UNSETTLED), None)
                if settled is None:
                    continue
                if settled.cause.startswith(PERSON):
                    by_person += 1
                else:
                    seconds.append((settled.when - transitions[place - 1].when).total_seconds())
    return Recovery(len(seconds), by_person, max(seconds, default=0.0))


_UNSETTLED = IN_HAND | {BatchState.UNCONFIRMED}
