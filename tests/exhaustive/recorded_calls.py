"""Every transition of the ledger, run by the real scripts on a real Redis, once for each state that it starts from.

A script's outcome depends on nothing but the keys, so what it did from a snapshot is remembered and not run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

import redis

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batch_id import BatchId
from bsg_ledger.batches import Batches, RejectRow
from bsg_ledger.campaigns import Acceptance
from bsg_ledger.dispatcher import SubmitRules
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.ledger import Ledger
from bsg_ledger.rows import encode_rows
from bsg_ledger.scripts import Scripts, text_of
from bsg_ledger.work import Prepare, Send
from tests.exhaustive.snapshots import (
    ACCOUNT,
    CAMPAIGN,
    DOUBTS_ALLOWED,
    DUMP,
    LATER,
    LATER_MS,
    LOSSES_ALLOWED,
    RESTORE,
    SHUTS_ALLOWED,
    SLOT_US,
    WINDOW_MS,
    Keys,
    Picture,
    Snapshot,
    frozen,
    restoring,
    snapshot_of,
    thawed,
)

Reply = tuple[Any, ...]
Call = tuple[Any, ...]
Rows = tuple[int, ...]


def body_of(rows: Rows) -> str:
    """Return a stand-in for the messages array: the messages' indexes."""
    return f"[{','.join(map(str, rows))}]"


def rows_of(body: str) -> Rows:
    return tuple(int(row) for row in body.strip("[]").split(",") if row)


def _lease(batch: int, token: str) -> Send:
    return Send(BatchId.of(CAMPAIGN, batch), token, "", 0, 0, b"")


def _reject_rows(rows: Rows) -> list[RejectRow]:
    return [(row, f'{{"index": {row}}}') for row in rows]


def submit_rules(*, window: bool = False, limit: bool = False) -> SubmitRules:
    return SubmitRules(
        account=ACCOUNT,
        account_name=DEFAULT_ACCOUNT,
        interval_us=SLOT_US if limit else 1,
        burst=1,
        lease_ms=LATER_MS,
        duplicate_window_ms=WINDOW_MS if window else 0,
        next_look_ms=LATER_MS,
        chunk_lease_ms=LATER_MS,
        chunk_losses_allowed=LOSSES_ALLOWED,
        queue="wake-ups",
        early_us=0,
    )


class _FlagsAlone(Scripts):
    """Leave the steps behind a flag to those who take them one by one."""

    def all_steps(self, name: str, campaign_id: str) -> str:
        return "more"


def _dispatch(ledger: Ledger, token: str, window: bool, limit: bool) -> Reply:
    dispatcher = ledger.dispatcher(submit_rules(window=window, limit=limit))
    if dispatcher._scripts.batches_a_step == 1:
        dispatcher._scripts = _FlagsAlone(cast(redis.Redis, dispatcher._client), batches_a_step=1)
    match dispatcher.next(token):
        case Send() as send:
            return ("send", send.batch.number, rows_of(send.body.decode()))
        case Prepare() as prepare:
            return ("prepare", prepare.chunk)
        case other:
            return (type(other).__name__.lower(),)


def _chunk(chunk: int, token: str) -> Prepare:
    return Prepare(CAMPAIGN, chunk, token, b"", "", 0, 0, 0)


def _prepared(ledger: Ledger, chunk: int, token: str, batches: tuple[Rows, ...], rejects: Rows) -> Reply:
    done = ledger.chunks.commit(
        _chunk(chunk, token),
        [(len(rows), encode_rows(rows), body_of(rows).encode()) for rows in batches],
        _reject_rows(rejects),
    )
    return ("prepared" if done else "stale",)


def _release_chunk(ledger: Ledger, chunk: int, token: str) -> Reply:
    done = ledger.chunks.release(_chunk(chunk, token), delay_ms=LATER_MS, cause="full")
    return ("unprepared" if done else "stale",)


def _accept(ledger: Ledger, sizes: Rows) -> Reply:
    for chunk in range(len(sizes)):
        ledger.campaigns.store_chunk(CAMPAIGN, chunk, b"packed", keep_ms=LATER_MS)
    accepted = ledger.campaigns.commit(
        Acceptance(CAMPAIGN, "key", "digest", sizes, "{}", "normal", LATER, "", DEFAULT_ACCOUNT, "incarnation")
    )
    return (accepted.kind,)


def _rows_refused(ledger: Ledger, batch: int, token: str, rest: Rows, rejected: Rows) -> Reply:
    state = ledger.batches.rows_refused(
        _lease(batch, token),
        cause="rows",
        rest=body_of(rest).encode(),
        rest_rows=rest,
        rejects=_reject_rows(rejected),
    )
    return (state,)


def _shrink(ledger: Ledger, batch: int, state: str, size: int, rest: Rows, rejected: Rows) -> Reply:
    reply = ledger.batches.shrink(
        BatchId.of(CAMPAIGN, batch),
        state=state,
        size=size,
        rest=body_of(rest).encode(),
        rest_rows=rest,
        cause="shrunk",
        rejects=_reject_rows(rejected),
    )
    return (reply,)


def _taken(ledger: Ledger, batch: int, bsg_id: int, others: tuple[int, ...] = (), token: str = "") -> Reply:
    state = ledger.batches.taken(
        BatchId.of(CAMPAIGN, batch),
        account=ACCOUNT,
        bsg_campaign_id=bsg_id,
        bsg_status="creation",
        next_poll_ms=LATER_MS,
        cause="taken",
        token=token,
        others=others,
    )
    return (state,)


def _doubtful(ledger: Ledger, batch: int, token: str, suspects: Rows | None) -> Reply:
    state = ledger.batches.doubtful(
        _lease(batch, token), account=ACCOUNT, cause="doubt", doubts_allowed=DOUBTS_ALLOWED, suspects=suspects
    )
    return (state,)


def _account_closed(ledger: Ledger, batch: int, token: str, reason: str) -> Reply:
    allowed = 0 if reason == "no_funds" else SHUTS_ALLOWED
    state = ledger.batches.account_closed(
        _lease(batch, token), account=ACCOUNT, reason=reason, cause="closed", shuts_allowed=allowed
    )
    return (state,)


def _polled(
    ledger: Ledger, batch: int, status: str, final: bool, total: int | None, next_poll_ms: int | None = LATER_MS
) -> Reply:
    state = ledger.batches.polled(
        BatchId.of(CAMPAIGN, batch),
        status=status,
        final=final,
        statistics="{}",
        price="",
        currency="",
        total_messages=total,
        next_poll_ms=next_poll_ms,
    )
    return (state,)


def _compact(ledger: Ledger, finished: tuple[int, ...]) -> Reply:
    """BSG's statistics of these batches are final, the messages are forgotten, and the campaign is compacted."""
    for batch in finished:
        _polled(ledger, batch, "done", final=True, total=None, next_poll_ms=None)
    ledger.campaigns.forget_bodies(CAMPAIGN)
    return (ledger.compaction.commit(CAMPAIGN, closed_for_ms=0),)


def _absent(ledger: Ledger, batch: int, attempts: int, window: bool) -> Reply:
    state = ledger.batches.absent(
        BatchId.of(CAMPAIGN, batch),
        attempts=attempts,
        duplicate_window_ms=WINDOW_MS if window else 0,
        delay_ms=0,
        look_again_ms=LATER_MS,
        cause="absent",
    )
    return (state,)


def _expire(ledger: Ledger) -> Reply:
    due = ledger.due_indexes.take_due(DueIndex.DEADLINES, at_most=10, put_off_ms=LATER_MS)
    return tuple(ledger.campaigns._scripts.step("end_unsent", campaign) for campaign in due)


def _gate(ledger: Ledger, state: str, reason: str, by: str) -> Reply:
    gate = ledger.gate(ACCOUNT)
    if state == "reopen":
        return (gate.reopen(by=by),)
    (gate.shut if state == "shut" else gate.open)(reason=reason, by=by)
    return (state,)


def _rekey(ledger: Ledger, proved: bool, in_steps: bool) -> Reply:
    """To another key, and back: each index must have what it had. `proved`: both are of one account at BSG.

    `in_steps`: the steps of the way back are taken one by one, and by whom does not matter.
    """
    client: Any = ledger.keys._client
    replies = []
    for old, new in ((ACCOUNT, "new"), ("new", ACCOUNT)):
        if proved:
            client.hset(f"bsg:account:{old}:key", mapping={"bsg_account": "208", "address": "address"})
        rekey = ledger.keys.begin_to_rekey if in_steps and new == ACCOUNT else ledger.keys.rekey
        rekeying = rekey(
            CAMPAIGN,
            old=old,
            account=new,
            name=DEFAULT_ACCOUNT,
            address="address",
            bsg_account="208" if proved else "",
            by="operator",
        )
        client.delete(f"bsg:account:{old}:key")
        replies.append(rekeying.kind.value)
    return tuple(replies)


_RUN: dict[str, Callable[..., Reply]] = {
    "accept": _accept,
    "prepared": _prepared,
    "release chunk": _release_chunk,
    "dispatch": _dispatch,
    "withdraw": lambda ledger, batch, token: (
        ledger.dispatcher(submit_rules()).withdraw(_lease(batch, token), delay_ms=LATER_MS, cause="missed its slot"),
    ),
    "withdraw lost": lambda ledger, token: (
        ledger.dispatcher(submit_rules()).withdraw_lost(token, delay_ms=LATER_MS, cause="the reply was lost"),
    ),
    "not taken": lambda ledger, batch, token, unanswered: (
        ledger.batches.not_taken(_lease(batch, token), delay_ms=LATER_MS, cause="not taken", unanswered=unanswered),
    ),
    "refused": lambda ledger, batch, token: (ledger.batches.refused(_lease(batch, token), cause="refused"),),
    "rows refused": _rows_refused,
    "account closed": _account_closed,
    "doubtful": _doubtful,
    "taken": _taken,
    "take back": lambda ledger: tuple(ledger.batches.take_back(ACCOUNT)),
    "expire": _expire,
    "absent": _absent,
    "ask": lambda ledger, batch, attempts: (
        ledger.batches.ask_operator(BatchId.of(CAMPAIGN, batch), attempts=attempts, older_than_ms=0, cause="undecided"),
    ),
    "shrink": _shrink,
    "polled": _polled,
    "stopped": lambda ledger, bsg_id, status: (ledger.batches.stopped(ACCOUNT, bsg_id, status=status),),
    "stop refused": lambda ledger, bsg_id, status: (
        ledger.batches.stop_refused(ACCOUNT, bsg_id, status=status, delay_ms=LATER_MS),
    ),
    "stop denied": lambda ledger, bsg_id: (
        ledger.batches.stop_denied(ACCOUNT, bsg_id, older_than_ms=0, delay_ms=LATER_MS, cause="denied"),
    ),
    "not sent": lambda ledger, batch: (ledger.batches.resolve_not_sent(BatchId.of(CAMPAIGN, batch)),),
    "lost": lambda ledger, batch, bsg_id: (
        ledger.batches.unread(
            BatchId.of(CAMPAIGN, batch),
            bsg_campaign_id=bsg_id,
            lost=True,
            longer_than_ms=0,
            cause="lost",
            next_poll_ms=LATER_MS,
        ),
    ),
    "sent": lambda ledger, batch, bsg_id: (
        ledger.batches.resolve_sent(BatchId.of(CAMPAIGN, batch), bsg_campaign_id=bsg_id, next_poll_ms=LATER_MS),
    ),
    "cancel": lambda ledger: ledger.campaigns.cancel(CAMPAIGN) or (),
    # The flag alone: the steps are taken one by one, and by whom does not matter.
    "begin to cancel": lambda ledger: tuple(ledger.campaigns._scripts.run("cancel", CAMPAIGN)),
    "step": lambda ledger, step: (ledger.campaigns._scripts.step(step, CAMPAIGN),),
    "compact": _compact,
    "pause": lambda ledger: (ledger.campaigns.pause(CAMPAIGN),),
    "resume": lambda ledger: (ledger.campaigns.resume(CAMPAIGN),),
    "retry": lambda ledger: ledger.campaigns.retry(CAMPAIGN, deadline_ms=LATER),
    "begin to retry": lambda ledger: tuple(map(text_of, ledger.campaigns._scripts.run("retry", CAMPAIGN, LATER))),
    "gate": _gate,
    "rekey": _rekey,
}

FENCED = frozenset(
    {"withdraw", "not taken", "refused", "rows refused", "account closed", "doubtful"}
)  # calls whose first two arguments are a batch and the token that holds it


class RecordedCalls:
    """States of the ledger by number, and what each call made of each of them."""

    def __init__(
        self, client: redis.Redis, *, in_steps: bool = False, run: Mapping[str, Callable[..., Reply]] | None = None
    ) -> None:
        self._connection = client.connection_pool.get_connection()
        self._run = run or _RUN
        self._ledger = Ledger(client, relaxed=True, batches_a_step=1 if in_steps else None)
        # A look that is due soon would be due before the snapshot is taken, or after it: by the machine's speed.
        self._ledger.batches = Batches(Scripts(client), next_look_ms=LATER_MS)
        self._dump, self._restore = client.script_load(DUMP), client.script_load(RESTORE)
        self._known: dict[tuple[int, Call], tuple[Reply, int]] = {}
        self._numbers: dict[Snapshot, int] = {}
        self.snapshots: list[Snapshot] = []
        self.pictures: list[Picture] = []
        self.scripts_run = 0
        self._restoring = cache(lambda number: restoring(self.snapshots[number]))
        self.empty = self.number_of(())

    def number_of(self, snapshot: Snapshot) -> int:
        number = self._numbers.get(snapshot)
        if number is None:
            number = self._numbers[snapshot] = len(self.snapshots)
            self.snapshots.append(snapshot)
            self.pictures.append(Picture(snapshot))
        return number

    def call(self, ledger: int, call: Call) -> tuple[Reply, int]:
        """Return the reply of the real ledger, and the state that it left."""
        known = self._known.get((ledger, call))
        if known is None:
            self._evaluate(self._restore, self._restoring(ledger))
            reply = self._run[call[0]](self._ledger, *call[1:])
            known = reply, self.number_of(snapshot_of(self._evaluate(self._dump)))
            self.scripts_run += 1
            self._known[ledger, call] = known
        return known

    def _evaluate(self, script: Any, *arguments: bytes) -> Any:
        """Run a script as the client does, in half of its time."""
        self._connection.send_command("EVALSHA", script, 0, *arguments)
        return self._connection.read_response()

    def changed(self, ledger: int, change: Callable[[Keys], None]) -> int:
        """Return the state with stored times aged."""
        keys = thawed(self.snapshots[ledger])
        change(keys)
        return self.number_of(frozen(keys))

    def calls(self) -> list[tuple[int, Call, Reply, int]]:
        return [(before, call, reply, after) for (before, call), (reply, after) in self._known.items()]
