"""A stream: two web apps that send with keys, and workers. Every interleaving, crashes between any two steps.

What BSG has is read exactly, as in `two_campaigns.py`, so that a doubt is over in one step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import redis

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.campaigns import WakeUp
from bsg_ledger.ledger import Ledger
from bsg_ledger.rows import decode_rows
from bsg_ledger.states import MESSAGE_STATES
from bsg_ledger.streams import MESSAGES_A_CAMPAIGN, NewNames, StreamMessage, StreamRules
from bsg_ledger.work import Recheck, Send
from bsg_messages.collected import HEAD, is_collected
from tests.exhaustive.recorded_calls import RecordedCalls, Reply, submit_rules
from tests.exhaustive.search import Change, Search
from tests.exhaustive.snapshots import (
    ACCOUNT,
    DUE,
    LATER,
    LATER_MS,
    RECENT,
    TODAY,
    WINDOW_MS,
    Keys,
    Snapshot,
    thawed,
)

CAMPAIGNS = ("c", "d", "e", "f")  # a call that is repeated is given a new one too
STREAM = f"bsg:stream:{(STREAM_NAME := 's')}"
SUPPRESSED = "A"
ENDED = frozenset({"submitted", "refused", "cancelled", "expired"})

_OF_ENDED = frozenset({"state", "size", "rows", "first_index", "bsg_campaign_id", "attempts", "day", "day_cost"})
_COUNTS = frozenset(f"{what}:{one}" for what in ("messages", "batches") for one in MESSAGE_STATES)

Local = tuple[Any, ...]
IDLE: Local = ()
Rows = tuple[tuple[int, str, str], ...]  # of a body: the index, the key and the phone of each message
Message = tuple[str, str]  # its key and its phone
Messages = tuple[Message, ...]  # of one call


class State(NamedTuple):
    """An app is (calls that it has made, their attempt, "" or "lost"). `taken`: the requests that BSG has taken.

    `faults`: how many the workers may still have. The web apps' are not counted.
    """

    ledger: int
    apps: tuple[Local, ...]
    workers: tuple[Local, ...]
    taken: tuple[tuple[str, int, Rows], ...]
    faults: int


Step = tuple[str, bool, State]


@dataclass(frozen=True)
class _Rules(StreamRules):
    @property
    def collects_ms(self) -> int:
        return WINDOW_MS


RULES = _Rules(
    stream=STREAM_NAME,
    options="{}",
    digest="options",
    priority="normal",
    account_name=DEFAULT_ACCOUNT,
    max_cost="",
    max_cost_per_day="",
    has_hours=False,
    lifetime_ms=LATER_MS,
    max_wait_ms=0,
    batch_size=2,
    key_retention_ms=LATER_MS,
    wake_up=WakeUp("wake-ups", b"wake up"),
    campaign_ms=LATER_MS,
)


def _send(
    ledger: Ledger, messages: Messages, first: int, attempt: str, new_campaign: str, full_at: int, options: str,
    cap: str,
) -> Reply:  # fmt: skip
    results, _ = ledger.streams.accept(
        replace(RULES, messages_a_campaign=full_at, digest=options, max_cost_per_day=cap),
        [
            StreamMessage(key, f"of-{key}", f"{attempt}.{number}", phone, "", f"{key}@{phone}".encode())
            for number, (key, phone) in enumerate(messages[first:], first)
        ],
        NewNames(new_campaign, "one"),
        ledger.durability,
    )
    return tuple((one.kind, one.campaign_id, one.index) for one in results)


def rows_of(body: bytes) -> Rows:
    """Return the messages of a body: one that collects, or what a recheck has left of it."""
    if not is_collected(body):
        return tuple(
            (int(index), key, phone) for index, key, phone in (row.split("@") for row in body.decode().split())
        )
    rows, position = list[tuple[int, str, str]](), 1
    while position < len(body):
        index, length = HEAD.unpack_from(body, position)
        position += HEAD.size
        key, phone = body[position : position + length].decode().split("@")
        position += length
        rows.append((index, key, phone))
    return tuple(rows)


def _dispatch(ledger: Ledger, token: str) -> Reply:
    match ledger.dispatcher(submit_rules()).next(token):
        case Send() as send:
            return ("send", *send.batch.parts, rows_of(send.body))
        case Recheck() as recheck:
            rows = rows_of(recheck.body)
            return ("recheck", *recheck.batch.parts, rows, recheck.size, recheck.held_against, recheck.suppressions)
        case other:
            return (type(other).__name__.lower(),)


def _sent(campaign: str, batch: int, token: str) -> Send:
    return Send(BatchId.of(campaign, batch), token, "", 1, 0, b"")


def _taken(ledger: Ledger, campaign: str, batch: int, token: str) -> Reply:
    capped, size = schema.CAMPAIGN(campaign), schema.BATCH(campaign, batch)
    client: Any = ledger.streams._client
    price = client.hget(size, "size").decode() if client.hexists(capped, "max_cost_per_day") else ""  # 1 a message
    state = ledger.batches.taken(
        BatchId.of(campaign, batch), account=ACCOUNT, bsg_campaign_id=1 + 10 * CAMPAIGNS.index(campaign) + batch,
        bsg_status="creation", next_poll_ms=LATER_MS, cause="taken", token=token, price=price,
    )  # fmt: skip
    return (state,)


def _not_taken(ledger: Ledger, campaign: str, batch: int, token: str) -> Reply:
    return (ledger.batches.not_taken(_sent(campaign, batch, token), delay_ms=LATER_MS, cause="HTTP 429"),)


def _doubt(ledger: Ledger, campaign: str, batch: int, token: str) -> Reply:
    send = _sent(campaign, batch, token)
    return (ledger.batches.doubtful(send, account=ACCOUNT, cause="no response", doubts_allowed=None),)


def _withdraw(ledger: Ledger, campaign: str, batch: int, token: str) -> Reply:
    send = _sent(campaign, batch, token)
    return (ledger.dispatcher(submit_rules()).withdraw(send, delay_ms=LATER_MS, cause="missed its slot"),)


def _withdraw_lost(ledger: Ledger, token: str) -> Reply:
    dispatcher = ledger.dispatcher(submit_rules())
    return (dispatcher.withdraw_lost(token, delay_ms=LATER_MS, cause="the reply was lost") or "nothing",)


def _checked(
    ledger: Ledger, campaign: str, batch: int, rows: Rows, size: int, held_against: int, version: int, listed: bool
) -> Reply:
    dispatcher = ledger.dispatcher(submit_rules())
    indexes = [index for index, _, _ in rows]
    recheck = Recheck(BatchId.of(campaign, batch), "", b"", indexes, size, 0, held_against, version)
    if not listed or not any(phone == SUPPRESSED for _, _, phone in rows):
        return (dispatcher.suppression_checked(recheck),)
    rest = [row for row in rows if row[2] != SUPPRESSED]
    state = dispatcher.rows_suppressed(
        recheck,
        rest=" ".join(f"{index}@{key}@{phone}" for index, key, phone in rest).encode() or b" ",
        rest_rows=[index for index, _, _ in rest],
        rejects=[(index, f'{{"index": {index}}}') for index, _, phone in rows if phone == SUPPRESSED],
    )
    return (state,)


RUN: dict[str, Callable[..., Reply]] = {
    "send": _send,
    "dispatch": _dispatch,
    "taken": _taken,
    "not taken": _not_taken,
    "doubt": _doubt,
    "withdraw": _withdraw,
    "withdraw lost": _withdraw_lost,
    "checked": _checked,
    "take back": lambda ledger: tuple(ledger.batches.take_back(ACCOUNT)),
    "not sent": lambda ledger, campaign, batch: (ledger.batches.resolve_not_sent(BatchId.of(campaign, batch)),),
    "cancel": lambda ledger, campaign: ledger.campaigns.cancel(campaign) or (),
    "raise": lambda ledger, campaign, cap: (ledger.campaigns.resume(campaign, max_cost_per_day=cap) is True,),
    "suppress": lambda ledger: (ledger.suppressions.add([SUPPRESSED]),),
    "expire": lambda ledger, campaign: (ledger.campaigns.expire(campaign),),
    "stop collecting": lambda ledger, campaign: (ledger.streams.stop_collecting(campaign),),
}


class View:
    """What the steps and the rules ask of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.keys = keys = thawed(snapshot)
        self.campaigns: dict[str, dict[str, str]] = {
            name: keys[f"bsg:campaign:{name}"] for name in CAMPAIGNS if f"bsg:campaign:{name}" in keys
        }
        self.batches: dict[tuple[str, int], dict[str, str]] = {
            (name, number): keys[f"bsg:campaign:{name}:batch:{number}"]
            for name, record in self.campaigns.items()
            for number in range(int(record["next_batch"]))
        }
        self.bodies: dict[tuple[str, int], bytes] = {
            (name, number): keys[f"bsg:campaign:{name}:batch:{number}:messages"].encode()
            for name, number in self.batches
        }
        self.due: dict[str, dict[str, int]] = {
            name: keys.get(f"bsg:campaign:{name}:due", {}) for name in self.campaigns
        }
        self.rejects: dict[str, dict[str, int]] = {
            name: keys.get(f"bsg:campaign:{name}:rejects", {}) for name in self.campaigns
        }
        self.leases: dict[str, int] = keys.get(f"bsg:account:{ACCOUNT}:leases", {})
        self.known: dict[str, list[str]] = {  # by key: campaign, index, content and attempt
            name.removeprefix("key "): value.split() for name, value in keys.get(f"{STREAM}:keys:1", {}).items()
        }
        self.suppressed: list[str] = keys.get("bsg:suppressed", [])
        self.collecting = [
            name
            for name, record in self.campaigns.items()
            if record.get("collects_until") and not self.is_cancelled(name)
        ]

    def is_cancelled(self, campaign: str) -> bool:
        return self.campaigns[campaign]["cancelled"] == "1"

    def indexes(self, campaign: str) -> set[str]:
        account = self.campaigns[campaign].get("account") or f"-{DEFAULT_ACCOUNT}"
        return {
            index for index in ("sendable", "due") if campaign in self.keys.get(f"bsg:account:{account}:{index}", {})
        }


@dataclass(frozen=True)
class StreamSize:
    """`apps`: the calls of each. `campaigns`: of the stream at most, while the apps send. `faults`: of the workers.

    `happens`: of old (a batch), deadline (of a batch), suppress, cancel and raise (of the cap, by one).
    `full_at`: messages of a campaign.
    `own_options`: each app has other options, as during a rolling deploy. `cap`: messages that a day's cost allows.
    """

    apps: tuple[tuple[Messages, ...], ...]
    workers: int = 1
    campaigns: int = 1
    faults: int = 1
    full_at: int = MESSAGES_A_CAMPAIGN
    own_options: bool = False
    cap: int = 0
    happens: frozenset[str] = frozenset()

    def __str__(self) -> str:
        apps = " and ".join("+".join(str(len(messages)) for messages in calls) for calls in self.apps)
        happens = "".join(f", {one}" for one in sorted(self.happens))
        if self.full_at != MESSAGES_A_CAMPAIGN:
            happens += f", full at {self.full_at}"
        happens += ", own options" if self.own_options else ""
        happens += f", {self.cap} a day" if self.cap else ""
        campaigns, workers, faults = self.campaigns, self.workers, self.faults
        return f"a stream, {apps} messages, {campaigns} campaigns, {workers} workers with {faults} faults{happens}"


A1, A2, A3, B2, B3, C3 = ("1", "A"), ("2", "A"), ("3", "A"), ("2", "B"), ("3", "B"), ("3", "C")


def _each(*messages: Message) -> tuple[Messages, ...]:
    """Return a call for each message."""
    return tuple((message,) for message in messages)


SMALL = (
    StreamSize((_each(A1), _each(A1)), campaigns=2),
    StreamSize((_each(A1, A2),)),
    StreamSize((_each(A1, B2),), happens=frozenset({"suppress"})),
    StreamSize((((A1, A2),),)),
    StreamSize((((A1, B2),), ((B2, A1),))),
    StreamSize((((A1,), (B2, B3)),), full_at=2),
    StreamSize((_each(A1), _each(B2)), faults=0, own_options=True),
    StreamSize((_each(A1, A2),), cap=1, happens=frozenset({"cancel"})),
    StreamSize((_each(A1, A2),), cap=1, happens=frozenset({"raise"})),
    StreamSize((_each(A1), _each(B2)), faults=0, own_options=True, cap=1),
)
LARGE = (
    StreamSize((_each(A1, B2, A3),), happens=frozenset({"suppress"})),
    StreamSize((_each(A1, B2, A3),), campaigns=2, happens=frozenset({"cancel", "old"})),
    StreamSize((_each(A1, B2),), campaigns=2, faults=2, happens=frozenset({"deadline"})),
    StreamSize((_each(A1, B2), _each(A3, A1)), campaigns=2),
    StreamSize((_each(A1, A2),), workers=2, faults=2),
    StreamSize((((A1,), (B2, C3, A1)),), campaigns=2, happens=frozenset({"cancel", "old"})),
    StreamSize((((A1, B2, A3),),), happens=frozenset({"suppress"}), full_at=1),
    StreamSize((((A1, B2),), ((A3, A1),)), campaigns=2),
    StreamSize((((A1, B2, C3),),), workers=2, faults=2),
    StreamSize((_each(A1), _each(B2)), campaigns=2, own_options=True),
    StreamSize((_each(A1, A2),), workers=2, cap=1, happens=frozenset({"cancel", "deadline"})),
    StreamSize((_each(A1), _each(B2)), workers=2, faults=2, own_options=True, cap=1),
)


class Stream(Search[State]):
    def __init__(self, client: redis.Redis, size: StreamSize) -> None:
        super().__init__(RecordedCalls(client, run=RUN))
        self.size = size
        self.apps = size.apps
        self.happens = size.happens
        self.view = cache(lambda ledger: View(self.calls.snapshots[ledger]))
        self._renamed: dict[tuple[int, frozenset[str]], tuple[int, dict[str, str]]] = {}

    def _words(self) -> str:
        return str(self.size)

    def _first(self) -> State:
        return State(
            self.calls.empty, ((0, 0, 0, ""),) * len(self.apps), (IDLE,) * self.size.workers, (), self.size.faults
        )

    def _alike(self, state: State) -> State:
        """Workers are alike, a token says no more than whose it is, and an attempt whether it will be repeated."""
        repeated = frozenset(self._attempt(state, number) for number, app in enumerate(state.apps) if app[-1])
        known = self._renamed.get((state.ledger, repeated))
        if known is None:
            known = self._renamed[state.ledger, repeated] = self._with_names_changed(state.ledger, repeated)
        ledger, names = known
        workers = sorted((*local[:-1], names.get(local[-1], "stale")) if local else IDLE for local in state.workers)
        return State(ledger, state.apps, tuple(workers), tuple(sorted(state.taken)), state.faults)

    def _with_names_changed(self, ledger: int, repeated: frozenset[str]) -> tuple[int, dict[str, str]]:
        view, names = self.view(ledger), dict[str, str]()
        names |= {batch["token"]: f"of-{c}-{number}" for (c, number), batch in view.batches.items() if "token" in batch}

        def change(keys: Keys) -> None:
            for campaign, number in view.batches:
                key = f"bsg:campaign:{campaign}:batch:{number}"
                kept = _OF_ENDED if keys[key]["state"] in ENDED else keys[key].keys()
                keys[key] = {name: value for name, value in keys[key].items() if name in kept}
                keys[key]["attempts"] = str(min(1, int(keys[key]["attempts"])))
                if "token" in keys[key]:
                    keys[key]["token"] = names[keys[key]["token"]]
            keys.pop("bsg:messages", None)  # the sum of the campaigns'
            for campaign in view.campaigns:
                record = keys[f"bsg:campaign:{campaign}"]
                for name in [name for name in record if name in _COUNTS and record[name] == "0"]:
                    del record[name]
            for key, (*value, attempt) in view.known.items():
                kept_attempt = attempt if attempt.rpartition(".")[0] in repeated else "-"
                keys[f"{STREAM}:keys:1"][f"key {key}"] = " ".join((*value, kept_attempt))

        return self.calls.changed(ledger, change), names

    def _is_end(self, state: State) -> bool:
        view = self.view(state.ledger)
        ended = all(batch["state"] in ENDED for batch in view.batches.values())
        return ended and not view.collecting and all(self._has_sent(state, number) for number in range(len(self.apps)))

    def _has_sent(self, state: State, number: int) -> bool:
        return bool(state.apps[number][0] == len(self.apps[number]))

    def _attempt(self, state: State, number: int) -> str:
        position, _, attempt, _ = state.apps[number]
        return f"{number}.{position}.{attempt}"

    # What can happen.

    def _steps(self, state: State) -> Iterator[Step]:
        for number in range(len(self.apps)):
            if not self._has_sent(state, number):
                yield from self._app(state, number)
        for number, local in enumerate(state.workers):
            yield from self._worker(state, number, local)
            if state.faults:
                yield from self._fault(state._replace(faults=state.faults - 1), number, local)
        yield from self._time(state)
        yield from self._upkeep(state)
        yield from self._person(state)

    def _app(self, state: State, number: int) -> Iterator[Step]:
        position, first, attempt, lost = state.apps[number]
        messages = self.apps[number][position]
        new = next((name for name in CAMPAIGNS if name not in self.view(state.ledger).campaigns), None)
        if new is None:
            return
        options = f"options of {number}" if self.size.own_options else "options"
        call = ("send", messages, first, self._attempt(state, number), new, self.size.full_at, options,
                str(self.size.cap or ""))  # fmt: skip
        results, then = self._call(state, *call)
        self._check_accepted(state, messages[first:], first, self._attempt(state, number), results, then)
        left = first + len(results) < len(messages)

        def app(in_state: State, *local: Any) -> State:
            return in_state._replace(apps=(*state.apps[:number], local, *state.apps[number + 1 :]))

        again = "again " if lost or attempt else ""
        words = f"app {number} sends {messages[first:]} {again}: {', '.join(kind for kind, *_ in results)}"
        heard = (position, first + len(results), attempt, "") if left else (position + 1, 0, 0, "")
        yield words, True, app(then, *heard)
        if not lost and attempt == 0:
            yield f"the response to app {number} is lost", False, app(then, position, first, attempt, "lost")
        if lost:
            yield f"app {number} dies, and begins anew", False, app(state, position, 0, 1, "")

    def _worker(self, state: State, number: int, local: Local) -> Iterator[Step]:
        match local:
            case ():
                used = {other[-1] for other in state.workers if other}
                used |= {batch.get("token") for batch in self.view(state.ledger).batches.values()}
                token = next(name for name in ("t1", "t2", "t3", "t4") if name not in used)
                reply, then = self._call(state, "dispatch", token)
                held: Local = (*reply, token) if len(reply) > 1 else IDLE
                self._check_dispatch(state, reply)
                yield f"a worker asks: {' '.join(map(str, reply))}", True, _held(then, number, held)
            case ("lost", token):
                _, then = self._call(state, "withdraw lost", token)
                yield "a worker takes back what it did not hear of", True, _held(then, number, IDLE)
            case ("recheck", campaign, batch, *read, _):
                listed = bool(self.view(state.ledger).suppressed)
                looked = _held(state, number, ("checked", campaign, batch, *read, listed, ""))
                yield f"a worker looks the phones of {campaign}-{batch} up", True, looked
            case ("checked", campaign, batch, *read, _):
                _, then = self._call(state, "checked", campaign, batch, *read)
                yield f"a worker records the check of {campaign}-{batch}", True, _held(then, number, IDLE)
            case ("send", campaign, batch, rows, token):
                taken = state._replace(taken=(*state.taken, (campaign, batch, rows)))
                yield f"BSG takes {campaign}-{batch}", True, _held(taken, number, ("taken", campaign, batch, token))
            case (what, campaign, batch, token):
                _, then = self._call(state, what, campaign, batch, token)
                yield f"a worker records {what} of {campaign}-{batch}", True, _held(then, number, IDLE)

    def _fault(self, state: State, number: int, local: Local) -> Iterator[Step]:
        """What may go wrong in a worker's next step. A worker that holds nothing crashes unnoticed."""
        if local:
            yield "a worker crashes", False, _held(state, number, IDLE)
        match local:
            case ():
                for words, _, then in self._worker(state, number, local):
                    if then.workers[number] and then.workers[number][0] == "send":
                        yield f"{words}, unheard", False, _held(then, number, ("lost", then.workers[number][-1]))
            case ("send", campaign, batch, rows, token):
                name = f"{campaign}-{batch}"
                taken = state._replace(taken=(*state.taken, (campaign, batch, rows)))
                yield f"BSG takes {name}, unheard", False, _held(taken, number, ("doubt", campaign, batch, token))
                yield f"BSG throttles {name}", False, _held(state, number, ("not taken", campaign, batch, token))
                _, then = self._call(state, "withdraw", campaign, batch, token)
                yield f"a worker takes its intent of {name} back", False, _held(then, number, IDLE)
            case ("recheck", *_):
                pass
            case _:
                for words, _, then in self._worker(state, number, local):
                    yield f"{words}, unheard", False, _held(then, number, local)

    def _time(self, state: State) -> Iterator[Step]:
        view = self.view(state.ledger)
        held = {local[-1] for local in state.workers if local}

        def aged(*changes: Change) -> State:
            return state._replace(ledger=self._changed(state.ledger, *changes))

        apps_end = all(self._has_sent(state, number) for number in range(len(self.apps)))
        for name, record in view.campaigns.items():
            if record.get("collects_until") == str(LATER) and (apps_end or len(view.campaigns) < self.size.campaigns):
                yield f"the time of {name} is over", True, aged((f"bsg:campaign:{name}", "collects_until", str(DUE)))
        for (campaign, number), batch in view.batches.items():
            key, name = f"bsg:campaign:{campaign}:batch:{number}", f"{campaign}-{number}"
            if view.due[campaign].get(str(number)) == LATER:
                yield f"the backoff of {name} passes", True, aged((f"bsg:campaign:{campaign}:due", str(number), DUE))
            if view.leases.get(name) == LATER and batch["token"] not in held:
                over = (key, "lease_until", str(DUE)), (f"bsg:account:{ACCOUNT}:leases", name, DUE)
                yield f"the lease of {name} is over", True, aged(*over)
            if "old" in self.happens and batch["state"] == "pending" and batch["collects_from"] == str(RECENT):
                yield f"{name} grows old", False, aged((key, "collects_from", str(DUE)))
            if (
                "deadline" in self.happens
                and batch["state"] in ("pending", "posting")
                and batch["deadline"] == str(LATER)
            ):
                index = f"bsg:campaign:{campaign}:deadlines"
                # It is sixty times as old as a batch that collects.
                changes = (key, "deadline", str(DUE)), (key, "collects_from", str(DUE)), (index, str(number), DUE)
                yield f"the deadline of {name} passes", False, aged(*changes)

        held_for = {
            name: record["held_for"]
            for name, record in view.campaigns.items()
            if record.get("held_until") == str(LATER)
        }
        holds_over: list[Change] = [(f"bsg:campaign:{name}", "held_until", str(DUE)) for name in held_for]
        if "price" in held_for.values():
            yield "the waits for a price are over", True, aged(*holds_over)
        if "max_cost_per_day" in held_for.values():
            counted = [STREAM, *(f"bsg:campaign:{name}:batch:{number}" for name, number in view.batches)]
            yield "midnight passes", True, aged(*holds_over, *((key, "day", str(DUE)) for key in counted))

    def _upkeep(self, state: State) -> Iterator[Step]:
        view = self.view(state.ledger)
        if DUE in view.leases.values():
            _, then = self._call(state, "take back")
            yield "upkeep takes leases back", True, then
        for name, record in view.campaigns.items():
            swept = name in view.keys.get("bsg:deadlines", {})
            if swept and DUE in view.keys.get(f"bsg:campaign:{name}:deadlines", {}).values():
                _, then = self._call(state, "expire", name)
                yield f"the sweep expires batches of {name}", True, then
            if record.get("collects_until") == str(DUE):
                _, then = self._call(state, "stop collecting", name)
                yield f"the sweep ends the collecting of {name}", True, then
        at_bsg = {(campaign, number) for campaign, number, _ in state.taken}
        for (campaign, number), batch in view.batches.items():
            if batch["state"] == "unconfirmed":
                found = (campaign, number) in at_bsg
                call = ("taken", campaign, number, "") if found else ("not sent", campaign, number)
                _, then = self._call(state, *call)
                yield f"the doubt about {campaign}-{number} is over: {call[0]}", True, then

    def _person(self, state: State) -> Iterator[Step]:
        view = self.view(state.ledger)
        if "suppress" in self.happens and not view.suppressed:
            _, then = self._call(state, "suppress")
            yield "a phone is suppressed", False, then
        if "cancel" in self.happens and "c" in view.campaigns and not view.is_cancelled("c"):
            _, then = self._call(state, "cancel", "c")
            yield "an operator cancels c", False, then
        if "raise" in self.happens and view.campaigns.get("c", {}).get("max_cost_per_day") == str(self.size.cap):
            _, then = self._call(state, "raise", "c", str(self.size.cap + 1))
            yield "an operator raises the cap of c", False, then

    # What must hold.

    def _check_accepted(
        self, state: State, messages: Messages, first: int, attempt: str, results: Reply, then: State
    ) -> None:
        before, after, number = self.view(state.ledger), self.view(then.ledger), self._numbers[state]
        known = dict(before.known)
        if any(after.known.get(one, value)[:3] != value[:3] for one, value in before.known.items()):
            self._violated("a key that was known names another message", number)
        for at, ((key, phone), (kind, *where)) in enumerate(zip(messages, results, strict=False), first):
            if key in known:
                expected = "accepted" if known[key][3] == f"{attempt}.{at}" else "duplicate"
            else:
                expected = "suppressed" if phone in before.suppressed else "accepted"
            if kind != expected:
                self._violated(f"{kind} instead of {expected}", number)
            if kind == "suppressed":
                continue
            if after.known[key][:2] != [where[0], str(where[1])]:
                self._violated("a receipt of another message", number)
            known[key] = after.known[key]
        if not results:
            self._violated("a call without a result", number)
        if after.known.keys() != known.keys():
            self._violated("a key of a message without a result", number)
        if known.keys() == before.known.keys() and after.batches.keys() != before.batches.keys():
            self._violated("a batch for a message that was not accepted", number)

    def _check_dispatch(self, state: State, reply: Reply) -> None:
        if reply[0] != "send":
            return
        campaign, batch, rows = reply[1:]
        before, number = self.view(state.ledger), self._numbers.get(state, 0)
        if before.is_cancelled(campaign):
            self._violated("a request of a campaign that is cancelled", number)
        if any(phone in before.suppressed for _, _, phone in rows):
            self._violated("a request to a phone that is suppressed", number)
        if before.batches[campaign, batch]["deadline"] == str(DUE):
            self._violated("a request after its messages' deadline", number)
        if max(Counter(phone for _, _, phone in rows).values()) > 1:
            self._violated("a request with a phone twice", number)

    def _broken_in(self, state: State) -> Iterator[str]:
        view = self.view(state.ledger)
        bodies = {id: rows_of(body) for id, body in view.bodies.items()}
        yield from self._counts(view)
        yield from self._messages(view, bodies)
        yield from self._requests(state, view, bodies)
        yield from self._day_cost(state, view)
        if len({view.campaigns[name]["options_digest"] for name in view.collecting}) < len(view.collecting):
            yield "two campaigns with the same options collect"
        for name in view.collecting:
            if name not in view.keys.get("bsg:collecting", {}):
                yield "a campaign that collects is not found by the sweep"
            if name in view.keys.get("bsg:closed", {}):
                yield "a campaign that collects is closed"
        for (campaign, number), batch in view.batches.items():
            deadlines = view.keys.get(f"bsg:campaign:{campaign}:deadlines", {})
            found = campaign in view.keys.get("bsg:deadlines", {}) and str(number) in deadlines
            if batch["state"] == "pending" and not found:
                yield f"{campaign}-{number} waits, and no sweep finds its deadline"
        for name in view.campaigns:
            waits = bool(view.due[name]) and not view.is_cancelled(name)
            if waits != bool(view.indexes(name)):
                yield f"a campaign that {'waits' if waits else 'has nothing to do'} is in {sorted(view.indexes(name))}"

    def _counts(self, view: View) -> Iterator[str]:
        for name, record in view.campaigns.items():
            counts = {one: int(record.get(f"messages:{one}", 0)) for one in MESSAGE_STATES}
            if sum(counts.values()) != int(record["messages"]):
                yield f"conservation: {counts}"
            by_state = Counter[str](rejected=len(view.rejects[name]))
            for (campaign, _), batch in view.batches.items():
                by_state[batch["state"]] += int(batch["size"]) if campaign == name else 0
            if any(by_state[one] != count for one, count in counts.items()):
                yield f"batches of {+by_state} in counts of {counts}"

    def _messages(self, view: View, bodies: dict[tuple[str, int], Rows]) -> Iterator[str]:
        """Each accepted message is in one batch, or a reject, under its index."""
        found = Counter[tuple[str, int]]()
        for id, batch in view.batches.items():
            rows = bodies[id] if batch["rows"] else ()
            if [index for index, _, _ in rows] != decode_rows(batch["rows"]) or len(rows) != int(batch["size"]):
                yield f"a body of {rows} with rows {batch['rows']} and size {batch['size']}"
            if len({phone for _, _, phone in rows}) < len(rows):
                yield "a batch with a phone twice"
            if len(rows) > RULES.batch_size:
                yield "a batch that is too large"
            found.update((id[0], index) for index, _, _ in rows)
            for index, key, _ in rows:
                if view.known.get(key, [])[:2] != [id[0], str(index)]:
                    yield "a message that its key does not name"
        found.update((name, index) for name, rejects in view.rejects.items() for index in rejects.values())
        for campaign, at, *_ in view.known.values():
            if found[campaign, int(at)] != 1:
                yield f"an accepted message that is {found[campaign, int(at)]} times in the ledger"
        if len(view.known) != sum(found.values()):
            yield "a message that nobody has accepted"

    def _requests(self, state: State, view: View, bodies: dict[tuple[str, int], Rows]) -> Iterator[str]:
        sent = Counter(key for _, _, rows in state.taken for _, key, _ in rows)
        if any(times > 1 for times in sent.values()):
            yield "a message that was sent twice"
        on_its_way = {local[1:3] for local in state.workers if local and local[0] in ("taken", "doubt")}
        for campaign, batch, rows in state.taken:
            if rows != bodies[campaign, batch]:
                yield "BSG has other messages than the batch"
            now = view.batches[campaign, batch]["state"]
            if now not in ("submitted", "unconfirmed", "posting") and (campaign, batch) not in on_its_way:
                yield f"sent, but {now}"
        at_bsg = {(campaign, batch) for campaign, batch, _ in state.taken}
        if any(batch["state"] == "submitted" and id not in at_bsg for id, batch in view.batches.items()):
            yield "submitted, but BSG never had it"

    def _day_cost(self, state: State, view: View) -> Iterator[str]:
        """The day costs what its batches have reserved, and BSG has no more of it than the cap allows."""
        record = view.keys.get(STREAM, {})
        of_day = {id: batch for id, batch in view.batches.items() if batch.get("day") == TODAY}
        reserved = sum(float(batch["day_cost"]) for batch in of_day.values())
        cost = float(record["day_cost"]) if record.get("day") == TODAY else 0.0
        if reserved != cost:
            yield f"a day that costs {cost}, and batches that have reserved {reserved}"
        at_bsg = {(campaign, batch) for campaign, batch, _ in state.taken if (campaign, batch) in of_day}
        cap = max((int(one.get("max_cost_per_day", 0)) for one in view.campaigns.values()), default=0)
        if sum(int(of_day[id]["size"]) for id in at_bsg) > cap:
            yield f"more than {cap} messages in one day"
        for id, batch in of_day.items():
            has_ended = batch["state"] in ("refused", "cancelled", "expired")
            if has_ended and "doubt" not in batch and float(batch["day_cost"]) and id not in at_bsg:
                yield "a batch that has ended, and has reserved something"


def _held(state: State, number: int, local: Local) -> State:
    return state._replace(workers=(*state.workers[:number], local, *state.workers[number + 1 :]))
