"""How long it took until a batch was decided that a process had left behind: killed, frozen, cut off, or without an
response."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bsg_ledger.records import Transition
from bsg_ledger.states import BatchState

IN_HAND = frozenset({BatchState.POSTING})
UNDECIDED = IN_HAND | {BatchState.UNCONFIRMED}
LEASE_RAN_OUT = "lease ran out"  # how the causes of both transitions begin that end a lease
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Recovery:
    """`slowest`: seconds from the last step of whoever held the batch to its next state out of doubt.

    It counts leases that ran out and requests without a clear response. What an operator ended is counted without a
    time: in a run, people response only after the faults.
    """

    leases_run_out: int = 0
    responses_lost: int = 0
    by_operator: int = 0
    slowest: float = 0.0
    way_of_the_slowest: Sequence[Transition] = ()

    def __str__(self) -> str:
        return (
            f"{self.slowest:.1f} s, of {self.leases_run_out} leases that ran out and {self.responses_lost} requests"
            f" without a clear response; {self.by_operator} of them ended by an operator, not timed"
        )


def recovery_of(histories: Iterable[Sequence[Transition]]) -> Recovery:
    """`histories`: each campaign's transitions, oldest first."""
    slowest, way = 0.0, list[Transition]()
    leases_run_out = responses_lost = by_operator = 0
    for transitions in (batch for history in histories for batch in _by_batch(history)):
        for index, transition in enumerate(transitions):
            if transition.from_state not in IN_HAND or index == 0:
                continue
            if transition.cause.startswith(LEASE_RAN_OUT):
                leases_run_out += 1
            elif transition.to_state == BatchState.UNCONFIRMED:
                responses_lost += 1
            else:
                continue
            until = next(
                (at for at in range(index, len(transitions)) if transitions[at].to_state not in UNDECIDED), None
            )
            if until is None:
                continue
            seconds = (transitions[until].when - transitions[index - 1].when).total_seconds()
            if transitions[until].cause.startswith(OPERATOR):
                by_operator += 1
            elif seconds > slowest:
                slowest, way = seconds, list(transitions[index - 1 : until + 1])
    return Recovery(leases_run_out, responses_lost, by_operator, slowest, way)


def _by_batch(history: Sequence[Transition]) -> Iterable[Sequence[Transition]]:
    by_batch: dict[str, list[Transition]] = {}
    for transition in history:
        by_batch.setdefault(transition.batch, []).append(transition)
    return by_batch.values()
