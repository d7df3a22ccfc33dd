"""One state of everything, and what a size of the exploration allows to happen in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from tests.exhaustive.provider import SOMEBODY_ELSE, Provider, Taken
from tests.exhaustive.recorded_calls import Call, RecordedCalls, Reply, Rows
from tests.exhaustive.snapshots import Picture

Local = tuple[Any, ...]
IDLE: Local = ()


class Kind(IntEnum):
    """Why a step is taken: which of them may rescue a state is the question that is asked at the end."""

    COURSE = 0  # what happens by itself, time included
    FAULT = 1  # crashes, losses, early leases
    DEADLINE = 2
    RESOLVE = 3  # an operator's decision on a doubt
    RELENT = 4  # an operator ends a pause or opens a gate
    OPERATOR = 5  # an operator cancels, pauses, retries, shuts


@dataclass(frozen=True)
class ChunkPlan:
    """What preparing a chunk makes of its messages."""

    batches: tuple[Rows, ...]
    rejects: Rows = ()

    @property
    def size(self) -> int:
        return sum(map(len, self.batches)) + len(self.rejects)


@dataclass(frozen=True)
class Size:
    """A size to explore: the campaign, who takes part, and what may go wrong."""

    name: str
    chunks: tuple[ChunkPlan, ...] = (ChunkPlan(((0,),)),)
    in_steps: bool = False  # of one batch each: else who cancels or retries takes all steps at once
    prepared: bool = True  # from the beginning
    limit: bool = False  # the rate limit, one request at a time
    unheard: bool = False  # the dispatcher's reply may be lost
    half_open: bool = False  # the gate, from the beginning: doubts shut it, and a probe got a response
    duplicate_window: bool = False
    duplicates: str = "refused"  # by BSG; or "allowed", or "either": now so, now so
    workers: int = 2
    responses: frozenset[str] = frozenset({"not taken", "refused", "lost"})  # and "rows", "closed", "drops", "denied"
    early_leases: bool = False
    shown_late: bool = False  # later than the first look takes to age
    used_before: Rows = ()  # messages whose reference id an older campaign of somebody else has
    operator: frozenset[str] = frozenset()  # of cancel, pause, retry, gate, purge, compact, rekey
    deadline: bool = False
    most_taken: int = 2  # campaigns that BSG takes of us; more would show nothing new
    stalls_after_looks: bool = False  # the reconciler may stand still between a look and its note
    sharp_window: bool = False  # BSG forgets reference ids while a request may still be about to leave

    @property
    def messages(self) -> int:
        return sum(chunk.size for chunk in self.chunks)


class State(NamedTuple):
    """`fruitless_looks` is the memory of the reconciling process: for each batch (attempts, aged) or ()."""

    ledger: int
    provider: Provider
    workers: tuple[Local, ...]
    reconciler: Local
    fruitless_looks: tuple[Local, ...]
    poller: Local
    stopper: Local


Step = tuple[str, Kind, State]
Steps = Iterator[Step]


@dataclass
class Model:
    size: Size
    calls: RecordedCalls
    _normalized: dict[tuple[int, tuple[Local, ...], Local], tuple[int, tuple[Local, ...], Local]] = field(
        default_factory=dict
    )

    def picture(self, state: State) -> Picture:
        return self.calls.pictures[state.ledger]

    def call(self, state: State, *call: Any) -> tuple[Reply, State]:
        reply, ledger = self.calls.call(state.ledger, call)
        return reply, State(ledger, *state[1:])

    def first(self) -> State:
        size = self.size
        ledger = self.calls.empty
        _, ledger = self.calls.call(ledger, ("accept", tuple(chunk.size for chunk in size.chunks)))
        while size.prepared and self.calls.pictures[ledger].sizes:
            _, ledger = self.calls.call(ledger, ("step", "add_chunks"))
        if size.prepared:
            for number, plan in enumerate(size.chunks):
                _, ledger = self.calls.call(ledger, ("dispatch", "t1", False, False))
                call: Call = ("prepared", number, "t1", plan.batches, plan.rejects)
                _, ledger = self.calls.call(ledger, call)
                while self.calls.pictures[ledger].committed:
                    _, ledger = self.calls.call(ledger, ("step", "add_prepared"))
        if size.half_open:
            for call in (("gate", "shut", "doubts", "a batch"), ("gate", "reopen", "", "probe")):
                _, ledger = self.calls.call(ledger, call)
        batches = sum(len(chunk.batches) for chunk in size.chunks)
        provider: Provider = ()
        if size.used_before:
            provider = (Taken(1, SOMEBODY_ELSE, size.used_before, "done", shown=True, older=True),)
        return State(ledger, provider, (IDLE,) * size.workers, IDLE, (IDLE,) * batches, IDLE, IDLE)

    def normalized(self, state: State) -> State:
        """Return the same state under its one name: workers are alike, and attempts only number the looks."""
        key = state.ledger, state.fruitless_looks, state.reconciler
        known = self._normalized.get(key)
        if known is None:
            known = self._normalized[key] = self._with_ranked_attempts(*key)
        ledger, fruitless_looks, reconciler = known
        workers = state.workers
        if len(workers) == 2 and workers[1] < workers[0]:
            workers = (workers[1], workers[0])
        return State(ledger, state.provider, workers, reconciler, fruitless_looks, state.poller, state.stopper)

    def _with_ranked_attempts(
        self, ledger: int, fruitless_looks: tuple[Local, ...], reconciler: Local
    ) -> tuple[int, tuple[Local, ...], Local]:
        """Attempts are only ever compared with each other: their ranks say as much, and stay few."""
        ranks: dict[tuple[int, int], int] = {}
        for batch, now in enumerate(self.calls.pictures[ledger].attempts):
            held = {now}
            if fruitless_looks[batch]:
                held.add(fruitless_looks[batch][0])
            if reconciler and reconciler[1] == batch:
                held.add(reconciler[2])
            ranks.update({(batch, value): rank for rank, value in enumerate(sorted(held))})
        fruitless_looks = tuple(
            (ranks[batch, look[0]], look[1]) if look else look for batch, look in enumerate(fruitless_looks)
        )
        if reconciler:
            kind, batch, attempts, *rest = reconciler
            reconciler = (kind, batch, ranks[batch, attempts], *rest)
        wanted = {
            batch: ranks[batch, now]
            for batch, now in enumerate(self.calls.pictures[ledger].attempts)
            if ranks[batch, now] != now
        }
        if wanted:

            def rank(keys: dict[str, Any]) -> None:
                for batch, attempts in wanted.items():
                    keys[f"bsg:campaign:c:batch:{batch}"]["attempts"] = str(attempts)

            ledger = self.calls.changed(ledger, rank)
        return ledger, fruitless_looks, reconciler
