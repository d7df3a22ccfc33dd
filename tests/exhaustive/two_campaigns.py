"""Two campaigns of one account, a worker or two, one slot at a time: every interleaving, crashes between any two steps.

Smaller than the sizes of one campaign in all else: what BSG has is read exactly, so that a doubt is over in one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import redis

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batch_id import BatchId
from bsg_ledger.campaigns import Acceptance
from bsg_ledger.ledger import Ledger
from bsg_ledger.states import MESSAGE_STATES
from bsg_ledger.work import Prepare, Send
from tests.exhaustive.recorded_calls import RecordedCalls, Reply, submit_rules
from tests.exhaustive.search import Change, Search
from tests.exhaustive.snapshots import (
    ACCOUNT,
    CLOCK,
    DUE,
    LATER,
    LATER_MS,
    LIMIT,
    LOSSES_ALLOWED,
    Snapshot,
    thawed,
)

CAMPAIGNS = ("a", "b")
STRIDE = 4
ENDED = frozenset({"submitted", "refused", "cancelled"})

Local = tuple[Any, ...]
IDLE: Local = ()


class State(NamedTuple):
    """`taken` counts the requests of each campaign that BSG has taken."""

    ledger: int
    workers: tuple[Local, ...]
    taken: tuple[int, ...]


Step = tuple[str, bool, State]  # its words, whether it happens by itself, what it leads to


def _send(campaign: str, token: str) -> Send:
    return Send(BatchId.of(campaign, 0), token, "", 1, 0, b"")


def _accept(ledger: Ledger, campaign: str) -> Reply:
    ledger.campaigns.store_chunk(campaign, 0, b"packed", keep_ms=LATER_MS)
    acceptance = Acceptance(campaign, f"key-{campaign}", "", [1], "{}", "normal", LATER, "", DEFAULT_ACCOUNT, "one")
    return (ledger.campaigns.accept(acceptance).kind,)


def _dispatch(ledger: Ledger, token: str) -> Reply:
    match ledger.dispatcher(submit_rules(limit=True)).next(token):
        case Send() as send:
            return ("send", send.batch.campaign_id)
        case Prepare() as prepare:
            return ("chunk", prepare.campaign_id)
        case other:
            return (type(other).__name__.lower(),)


def _lease(ledger: Ledger, campaign: str) -> Reply:
    lease = ledger.chunks.lease(campaign, "t1", lease_ms=LATER_MS, losses_allowed=LOSSES_ALLOWED)
    return (type(lease).__name__,)


def _prepared(ledger: Ledger, campaign: str, token: str) -> Reply:
    chunk = Prepare(campaign, 0, token, b"", "", 0, 1, 0)
    return (ledger.chunks.prepared(chunk, [(1, "0+1", b"[0]")], []),)


def _taken(ledger: Ledger, campaign: str, token: str) -> Reply:
    state = ledger.batches.taken(
        BatchId.of(campaign, 0), account=ACCOUNT, bsg_campaign_id=1 + CAMPAIGNS.index(campaign), bsg_status="creation",
        next_poll_ms=LATER_MS, cause="taken", token=token,
    )  # fmt: skip
    return (state,)


def _not_taken(ledger: Ledger, campaign: str, token: str) -> Reply:
    return (ledger.batches.not_taken(_send(campaign, token), delay_ms=LATER_MS, cause="HTTP 429"),)


def _doubt(ledger: Ledger, campaign: str, token: str) -> Reply:
    send = _send(campaign, token)
    return (ledger.batches.doubtful(send, account=ACCOUNT, cause="no response", doubts_allowed=None),)


def _withdraw(ledger: Ledger, campaign: str, token: str) -> Reply:
    dispatcher = ledger.dispatcher(submit_rules(limit=True))
    return (dispatcher.withdraw(_send(campaign, token), delay_ms=LATER_MS, cause="missed its slot"),)


def _withdraw_lost(ledger: Ledger, token: str) -> Reply:
    dispatcher = ledger.dispatcher(submit_rules(limit=True))
    return (dispatcher.withdraw_lost(token, delay_ms=LATER_MS, cause="the reply was lost") or "nothing",)


RUN: dict[str, Callable[..., Reply]] = {
    "accept": _accept,
    "dispatch": _dispatch,
    "lease": _lease,
    "prepared": _prepared,
    "taken": _taken,
    "not taken": _not_taken,
    "doubt": _doubt,
    "withdraw": _withdraw,
    "withdraw lost": _withdraw_lost,
    "take back": lambda ledger: tuple(ledger.batches.take_back(ACCOUNT)),
    "not sent": lambda ledger, campaign: (ledger.batches.resolve_not_sent(BatchId.of(campaign, 0)),),
    "pause": lambda ledger, campaign: (ledger.campaigns.pause(campaign),),
    "resume": lambda ledger, campaign: (ledger.campaigns.resume(campaign),),
    "cancel": lambda ledger, campaign: ledger.campaigns.cancel(campaign) or (),
}


class View:
    """What the steps and the rules ask of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        keys = thawed(snapshot)
        self.keys = keys
        self.records: dict[str, dict[str, str]] = {name: keys.get(f"bsg:campaign:{name}", {}) for name in CAMPAIGNS}
        self.batches: dict[str, dict[str, str]] = {
            name: keys.get(f"bsg:campaign:{name}:batch:0", {}) for name in CAMPAIGNS
        }
        self.due: dict[str, dict[str, int]] = {name: keys.get(f"bsg:campaign:{name}:due", {}) for name in CAMPAIGNS}
        self.chunks: dict[str, dict[str, int]] = {
            name: keys.get(f"bsg:campaign:{name}:chunks", {}) for name in CAMPAIGNS
        }
        self.leases: dict[str, int] = keys.get(f"bsg:account:{ACCOUNT}:leases", {})
        self.slot_free = LIMIT not in keys

    def state(self, campaign: str) -> str:
        return self.batches[campaign].get("state", "unprepared")

    def indexes(self, campaign: str) -> set[str]:
        account = self.records[campaign].get("account") or f"-{DEFAULT_ACCOUNT}"
        indexes = ("sendable", "preparable", "due")
        return {index for index in indexes if campaign in self.keys.get(f"bsg:account:{account}:{index}", {})}

    def stands_still(self, campaign: str) -> bool:
        return self.records[campaign].get("paused") == "1" or self.records[campaign].get("cancelled") == "1"


class TwoCampaigns(Search[State]):
    """`operator`: of cancel and pause; what an operator does with the first campaign."""

    def __init__(
        self, client: redis.Redis, *, prepared: bool, workers: int = 2, operator: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(RecordedCalls(client, run=RUN))
        self.prepared = prepared
        self.workers = workers
        self.operator = operator
        self.view = cache(lambda ledger: View(self.calls.snapshots[ledger]))
        self._renamed: dict[int, tuple[int, dict[str, str]]] = {}

    def _words(self) -> str:
        begun = "prepared" if self.prepared else "not prepared"
        return f"two campaigns, {self.workers} workers, {', '.join((begun, *sorted(self.operator)))}"

    def _first(self) -> State:
        ledger = self.calls.empty
        for name in CAMPAIGNS:
            _, ledger = self.calls.call(ledger, ("accept", name))
        for name in CAMPAIGNS if self.prepared else ():
            _, ledger = self.calls.call(ledger, ("lease", name))
            _, ledger = self.calls.call(ledger, ("prepared", name, "t1"))
        return State(ledger, (IDLE,) * self.workers, (0, 0))

    def _alike(self, state: State) -> State:
        """Attempts are never compared here, workers are alike, and a token says no more than whose it is."""
        known = self._renamed.get(state.ledger)
        if known is None:
            known = self._renamed[state.ledger] = self._with_tokens_renamed(state.ledger)
        ledger, names = known
        workers = sorted((*local[:-1], names.get(local[-1], "stale")) if local else IDLE for local in state.workers)
        return State(ledger, tuple(workers), state.taken)

    def _with_tokens_renamed(self, ledger: int) -> tuple[int, dict[str, str]]:
        view, changes, names = self.view(ledger), list[Change](), dict[str, str]()
        for campaign in CAMPAIGNS:
            for key in (f"bsg:campaign:{campaign}:batch:0", f"bsg:campaign:{campaign}:chunk:0"):
                if token := view.keys.get(key, {}).get("token"):
                    names[token] = f"of-{campaign}"
                    changes.append((key, "token", names[token]))
            changes.append((f"bsg:campaign:{campaign}:batch:0", "attempts", "0"))
        return self._changed(ledger, *changes), names

    def _is_end(self, state: State) -> bool:
        view = self.view(state.ledger)
        return all(view.state(name) in ENDED or view.records[name].get("ended") for name in CAMPAIGNS)

    # What can happen.

    def _steps(self, state: State) -> Iterator[Step]:
        for number, local in enumerate(state.workers):
            if local:
                yield "a worker crashes", False, _held(state, number, IDLE)
            yield from self._worker(state, number, local)
        yield from self._time(state)
        yield from self._reconciles(state)
        yield from self._person(state)

    def _worker(self, state: State, number: int, local: Local) -> Iterator[Step]:
        match local:
            case ():
                used = {other[-1] for other in state.workers if other} | set(self._tokens(state))
                token = next(name for name in ("t1", "t2", "t3") if name not in used)
                reply, then = self._call(state, "dispatch", token)
                held: Local = (*reply, token) if len(reply) > 1 else IDLE
                self._check_dispatch(state, reply, then)
                yield f"a worker asks: {' '.join(reply)}", True, _held(then, number, held)
                if held:
                    yield "its reply is lost", False, _held(then, number, ("lost", token))
            case ("lost", token):
                _, then = self._call(state, "withdraw lost", token)
                yield "a worker takes back what it did not hear of", True, _held(then, number, IDLE)
            case ("chunk", campaign, token):
                _, then = self._call(state, "prepared", campaign, token)
                yield f"a worker prepares {campaign}", True, _held(then, number, IDLE)
            case ("send", campaign, token):
                at = CAMPAIGNS.index(campaign)
                taken = state._replace(
                    taken=tuple(count + (at == position) for position, count in enumerate(state.taken))
                )
                yield f"BSG takes {campaign}", True, _held(taken, number, ("taken", campaign, token))
                yield f"BSG takes {campaign}, unheard", False, _held(taken, number, ("doubt", campaign, token))
                yield f"BSG throttles {campaign}", False, _held(state, number, ("not taken", campaign, token))
                _, then = self._call(state, "withdraw", campaign, token)
                yield f"a worker takes its intent of {campaign} back", False, _held(then, number, IDLE)
            case (what, campaign, token):
                _, then = self._call(state, what, campaign, token)
                yield f"a worker records {what} of {campaign}", True, _held(then, number, IDLE)
                yield f"a worker records {what} of {campaign}, unheard", False, then

    def _tokens(self, state: State) -> Iterator[str]:
        view = self.view(state.ledger)
        for name in CAMPAIGNS:
            yield view.batches[name].get("token", "")
            yield view.keys.get(f"bsg:campaign:{name}:chunk:0", {}).get("token", "")

    def _time(self, state: State) -> Iterator[Step]:
        view = self.view(state.ledger)

        def aged(*changes: Change) -> State:
            return state._replace(ledger=self._changed(state.ledger, *changes))

        if not view.slot_free:
            yield "the slot comes free", True, aged((LIMIT, "", None))
        for name in CAMPAIGNS:
            head = f"bsg:campaign:{name}"
            held = {local[2] for local in state.workers if len(local) > 2}
            if LATER in view.due[name].values():
                yield f"the backoff of {name} passes", True, aged((f"{head}:due", "0", DUE))
            if LATER in view.chunks[name].values() and view.keys[f"{head}:chunk:0"].get("token") not in held:
                over = (f"{head}:chunks", "0", DUE), (f"{head}:chunk:0", "lease_until", str(DUE))
                yield f"the lease of the chunk of {name} is over", True, aged(*over)
            if view.leases.get(f"{name}-0") == LATER and view.batches[name]["token"] not in held:
                lease = f"bsg:account:{ACCOUNT}:leases", f"{name}-0", DUE
                yield f"the lease of {name} is over", True, aged((f"{head}:batch:0", "lease_until", str(DUE)), lease)
        if DUE in view.leases.values():
            _, then = self._call(state, "take back")
            yield "upkeep takes leases back", True, then

    def _reconciles(self, state: State) -> Iterator[Step]:
        view = self.view(state.ledger)
        for name, count in zip(CAMPAIGNS, state.taken, strict=True):
            if view.state(name) == "unconfirmed":
                what: tuple[Any, ...] = ("taken", name, "") if count else ("not sent", name)
                _, then = self._call(state, *what)
                yield f"the doubt about {name} is over: {what[0]}", True, then

    def _person(self, state: State) -> Iterator[Step]:
        record = self.view(state.ledger).records["a"]
        if "cancel" in self.operator and record.get("cancelled") != "1":
            _, then = self._call(state, "cancel", "a")
            yield "an operator cancels a", False, then
        if "pause" in self.operator and record.get("cancelled") != "1":
            paused = record.get("paused") == "1"
            _, then = self._call(state, "resume" if paused else "pause", "a")
            yield f"an operator {'resumes' if paused else 'pauses'} a", paused, then

    # What must hold.

    def _check_dispatch(self, state: State, reply: Reply, then: State) -> None:
        before, after, number = self.view(state.ledger), self.view(then.ledger), self._numbers[state]
        if reply[0] != "send":
            return
        campaign = reply[1]
        if not before.slot_free:
            self._violated("two requests without a slot between them", number)
        if after.slot_free:
            self._violated("a request that took no slot", number)
        if before.stands_still(campaign):
            self._violated("a request of a campaign that stands still", number)
        if before.due[campaign].get("0") != DUE:
            self._violated("a request of a batch that is not due", number)

    def _broken_in(self, state: State) -> Iterator[str]:
        view = self.view(state.ledger)
        for name, count in zip(CAMPAIGNS, state.taken, strict=True):
            record, batch = view.records[name], view.state(name)
            counts = {one: int(record.get(f"messages:{one}", 0)) for one in MESSAGE_STATES}
            if sum(counts.values()) != 1:
                yield f"conservation: {counts}"
            if count > 1:
                yield "a message that was sent twice"
            if batch == "submitted" and not count:
                yield "submitted, but BSG never had it"
            on_its_way = any(local[0] in ("taken", "doubt") and local[1] == name for local in state.workers if local)
            if count and not on_its_way and batch not in ("submitted", "unconfirmed", "posting"):
                yield f"sent, but {batch}"
            yield from self._index_of(view, name)
        senders = [local[1] for local in state.workers if local and local[0] == "send"]
        if len(senders) != len(set(senders)):
            yield "two workers send the same batch"
        ready = [view.records[name] for name in CAMPAIGNS if view.indexes(name) & {"sendable", "preparable"}]
        passes = [float(record["pass"]) for record in ready if float(record["pass"]) >= 0]
        if len(passes) == 2 and abs(passes[0] - passes[1]) > STRIDE:
            yield "one campaign is more than one request ahead of the other"
        if float(view.keys.get(CLOCK, {}).get("owed", 0)) > STRIDE:
            yield "new campaigns go before the others for ever"

    def _index_of(self, view: View, name: str) -> Iterator[str]:
        indexes = view.indexes(name)
        if view.stands_still(name) or not (view.due[name] or view.chunks[name]):
            if indexes:
                yield f"a campaign that has nothing to do is in {sorted(indexes)}"
            return
        if not indexes:
            yield "a campaign that has something to do is not found"
        for ready, waiting in (("sendable", view.due[name]), ("preparable", view.chunks[name])):
            if DUE in waiting.values() and not indexes & {ready, "due"}:
                yield f"a campaign with something due is not {ready}"
            if ready in indexes and DUE not in waiting.values():
                yield f"a campaign without anything due is {ready}"


def _held(state: State, number: int, local: Local) -> State:
    workers = (*state.workers[:number], local, *state.workers[number + 1 :])
    return state._replace(workers=workers)
