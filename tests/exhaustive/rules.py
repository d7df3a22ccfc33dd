"""The rules that hold after each step: of a call, of the ledger alone, and of the ledger and BSG together."""

from __future__ import annotations

from collections.abc import Iterator

from bsg_ledger.rows import decode_rows
from bsg_ledger.states import MESSAGE_STATES, campaign_state
from tests.exhaustive.model import Size, State
from tests.exhaustive.provider import DENIED, FINAL, Provider
from tests.exhaustive.recorded_calls import FENCED, Call, Reply
from tests.exhaustive.snapshots import ACCOUNT, CAMPAIGN, DUE, UNASSIGNED, Picture

ENDED = frozenset({"finished", "refused", "cancelled", "expired"})
UNSENT = frozenset({"refused", "cancelled", "expired"})
INDEXES = {"posting": "leases", "unconfirmed": "doubt", "submitted": "live", "finished": "live"}


# What BSG says clearly when it is asked to send: this alone opens a half-open gate, or an operator's word.
CLEAR_RESPONSES = frozenset({"taken", "refused", "rows refused"})


def broken_by_call(before: Picture, call: Call, reply: Reply, after: Picture) -> Iterator[str]:
    """Intent before POST, the fence and the half-open gate."""
    name = call[0]
    yield from _gate_opened_early(before, call, after)
    if reply and reply[0] == "stale" and before is not after:
        yield f"a stale {name} changed the ledger"
    if name in FENCED:
        batch, token = call[1], call[2]
        holds = before.states[batch] == "posting" and before.tokens[batch] == token
        if not holds and reply[0] != "stale":
            yield f"a {name} without the lease was not stale but {reply[0]}"
    if name == "dispatch" and reply[0] == "send":
        batch = before.batches[reply[1]]
        wrong = {
            "paused": before.paused,
            "cancelled": before.cancelled,
            "with the gate shut": before.gate_shut,
            "while a half-open gate has its trial": bool(before.trial),
            "after the deadline": before.deadline_passed,
            "of a batch that does not wait": batch["state"] != "pending",
            "of a batch that is not due": before.due.get(str(reply[1])) != DUE,
            "without a slot": not before.slot_free,
            "for another account": after.account != ACCOUNT,
        }
        for how in (how for how, is_so in wrong.items() if is_so):
            yield f"an intent {how}"
        if call[3] and after.slot_free:
            yield "an intent that took no slot"
        if after.gate_half_open and after.trial != f"{CAMPAIGN}-{reply[1]}:{call[1]}":
            yield "an intent through a half-open gate that is not its trial"
    if name == "dispatch" and reply[0] == "prepare" and (before.paused or before.cancelled or before.gate_shut):
        yield "a chunk is prepared while paused, cancelled or with the gate shut"
    if name == "rekey":
        yield from _wrongly_rekeyed(before, call, reply, after)


def _wrongly_rekeyed(before: Picture, call: Call, reply: Reply, after: Picture) -> Iterator[str]:
    """Only what BSG has nothing of moves to the key of another account."""
    at_bsg = any(map(_ids, before.batches)) or "posting" in before.states or any(before.doubts)
    moves = call[1] or not at_bsg
    if reply[0] != ("moved" if moves else "begun"):
        yield f"another key: {reply[0]}"
    if reply[0] == "moved" and reply[1] != "moved":
        yield f"back from another key: {reply[1]}"
    if reply[0] != "moved" and before is not after and "carry_from" not in before.campaign:
        yield f"another key: {reply[0]}, and the ledger has changed"


def _gate_opened_early(before: Picture, call: Call, after: Picture) -> Iterator[str]:
    opened = not after.gate_shut and not after.gate_half_open
    if call[0] == "gate" or not opened:
        if call[0] == "gate" and call[1] == "reopen" and opened and before.gate.get("reason") == "doubts":
            yield "a probe opened whole what doubts have shut"
        return
    if before.gate_shut:
        yield f"a {call[0]} opened a shut gate"
    if before.gate_half_open:
        token = call[4] if call[0] == "taken" and len(call) > 4 else call[2] if len(call) > 2 else ""
        if call[0] not in CLEAR_RESPONSES or before.trial != f"{CAMPAIGN}-{call[1]}:{token}":
            yield f"a {call[0]} opened a half-open gate that was not a clear reply to its trial"


def broken_in_ledger(picture: Picture) -> Iterator[str]:
    yield from _counts(picture)
    yield from _partition(picture)
    yield from _due_indexes(picture)
    yield from _indexes(picture)


def _counts(picture: Picture) -> Iterator[str]:
    wanted = dict.fromkeys(MESSAGE_STATES, 0)
    batches = dict.fromkeys(MESSAGE_STATES, 0)
    for batch in picture.batches:
        wanted[batch["state"]] += int(batch["size"])
        batches[batch["state"]] += 1
    for chunk in picture.chunks:
        if chunk["state"] in {"unprepared", "preparing"}:
            wanted["unprepared"] += int(chunk["size"])
        elif chunk["state"] in {"cancelled", "expired"}:
            wanted[chunk["state"]] += int(chunk["size"])
        elif chunk["state"] == "failed":
            wanted["unprepared"] += int(chunk["size"]) - int(chunk.get("rejected", 0))
    wanted["unprepared"] += len(_staged(picture)) + sum(map(int, picture.sizes))
    wanted["rejected"] = len(picture.rejects)
    if sum(wanted.values()) != picture.count("messages"):
        yield f"conservation: {picture.count('messages')} accepted, {wanted}"
    for state in MESSAGE_STATES:
        if picture.count(f"messages:{state}") != wanted[state]:
            yield f"messages:{state} is {picture.count(f'messages:{state}')}, the batches say {wanted[state]}"
        if picture.count(f"batches:{state}") != batches[state]:
            yield f"batches:{state} is {picture.count(f'batches:{state}')}, there are {batches[state]}"


def _partition(picture: Picture) -> Iterator[str]:
    indexes = [row for rows in picture.messages for row in rows] + list(picture.rejects.values()) + _staged(picture)
    for chunk in picture.chunks:
        if chunk["state"] not in {"prepared", "failed"}:
            first = int(chunk["first_index"])
            indexes += range(first, first + int(chunk["size"]))
        elif chunk["state"] == "failed":
            first = int(chunk["first_index"])
            indexes += range(first + int(chunk.get("rejected", 0)), first + int(chunk["size"]))
    if picture.sizes:
        indexes += range(picture.count("next_index"), picture.count("messages"))
    if sorted(indexes) != list(range(picture.count("messages"))):
        yield f"each message once: {sorted(indexes)}"
    for batch, rows in zip(picture.batches, picture.messages, strict=True):
        if len(rows) != int(batch["size"]):
            yield f"a batch of {batch['size']} with rows {rows}"


def _staged(picture: Picture) -> list[int]:
    """Return the messages that are committed and not yet in a batch or among the rejects."""
    found: list[int] = []
    for staged in picture.staged:
        for size, rows, _ in zip(staged[::3], staged[1::3], staged[2::3], strict=True):
            found += decode_rows(rows) if size else [int(rows)]
    return found


def _due_indexes(picture: Picture) -> Iterator[str]:
    for number, batch in enumerate(picture.batches):
        state, member = batch["state"], f"{CAMPAIGN}-{number}"
        indexes = {name for name in ("leases", "doubt", "live") if member in picture.due_index(name)}
        indexes |= {"due"} if str(number) in picture.due else set()
        wanted = {INDEXES[state]} if state in INDEXES else {"due"} if state == "pending" else set()
        if picture.compacted:
            wanted = set()
        former = {name for name in ("leases", "doubt", "live") if member in picture.due_index(name, picture.former)}
        if picture.is_carried(number) and former:
            yield f"a batch that was carried is in the indexes {sorted(former)} of the other key"
        if indexes != wanted and (picture.is_carried(number) or indexes or not wanted <= former):
            yield f"a batch {state} is in the indexes {sorted(indexes)}"
        if ("token" in batch) != (state == "posting"):
            yield f"a batch {state} with a token or without"
        if state == "pending" and picture.bodies[number] is None:
            yield "a batch is to be sent whose messages are forgotten"
        if state == "unconfirmed" and batch.get("doubt") != "1":
            yield "an unconfirmed batch without doubt"
    if any(picture.due_index(name, UNASSIGNED) for name in ("leases", "doubt", "live", "stops")):
        yield "a batch in the indexes of no account"


def _indexes(picture: Picture) -> Iterator[str]:
    yield from _ready(picture)
    if picture.account != UNASSIGNED and CAMPAIGN in picture.due_index("due", UNASSIGNED):
        yield "an assigned campaign waits among those without an account"
    open_chunks = {str(n) for n, chunk in enumerate(picture.chunks) if chunk["state"] in {"unprepared", "preparing"}}
    if set(picture.chunks_due) != open_chunks:
        yield "the chunks to prepare do not follow from their states"
    if (CAMPAIGN in picture.index("unfinished")) != picture.has_steps_left:
        yield "what is unfinished does not follow from the steps that are left"
    present = {batch["state"] for batch in picture.batches if batch["size"] != "0"}
    unsent = open_chunks or picture.committed or picture.sizes or present & {"pending", "posting", "unconfirmed"}
    closed = not unsent and "submitted" not in present
    if (CAMPAIGN in picture.index("closed") or picture.compacted) != closed:
        yield "closed does not follow from the counts"
    if picture.campaign.get("ended") != _end(picture):
        yield "the end that the feed has does not follow from the counts"
    if (open_chunks or picture.committed or "pending" in present) and CAMPAIGN not in picture.index("deadlines"):
        yield "something unsent without its deadline noted"
    for bsg_id, owner in picture.owners.items():
        batch = picture.batches[int(owner.rsplit("-", 1)[1])]
        if bsg_id not in _ids(batch):
            yield f"BSG campaign {bsg_id} has an owner that does not know it"
    for number, batch in enumerate(picture.batches):
        for bsg_id in _ids(batch):
            owners = picture.owners if picture.is_carried(number) else picture.former_owners | picture.owners
            if owners.get(bsg_id) != f"{CAMPAIGN}-{number}":
                yield f"BSG campaign {bsg_id} of a batch has no owner"


def _end(picture: Picture) -> str | None:
    counts = {state: picture.count(f"messages:{state}") for state in MESSAGE_STATES}
    state = campaign_state(counts, cancelled=picture.cancelled, started=True)
    return state.value if state.final else None


def _ready(picture: Picture) -> Iterator[str]:
    """What may go on is found by the next dispatch: where it is due, or in the index of what is due later."""
    indexes = {
        name for name in ("sendable", "preparable", "due") if CAMPAIGN in picture.due_index(name, picture.account)
    }
    if picture.account == UNASSIGNED and indexes - {"due"}:
        yield "a campaign without an account is ready"
    if picture.paused or picture.cancelled or not (picture.due or picture.chunks_due):
        if indexes:
            yield f"a campaign that has nothing to do is in {sorted(indexes)}"
        return
    if picture.deadline_passed:
        return  # it leaves at the next dispatch
    if not indexes:
        yield "a campaign that has something to do is not found"
    for ready, waiting in (("sendable", picture.due), ("preparable", picture.chunks_due)):
        if ready in indexes and DUE not in waiting.values():
            yield f"a campaign without anything due is {ready}"
        if DUE in waiting.values() and not indexes & {ready, "due"}:
            yield f"a campaign with something due is not {ready}"


def _ids(batch: dict[str, str]) -> list[str]:
    return [
        one for one in [batch.get("bsg_campaign_id", ""), *batch.get("other_bsg_campaign_ids", "").split(",")] if one
    ]


def doubled(provider: Provider) -> bool:
    live = [message for taken in provider if taken.live for message in taken.messages]
    return len(live) != len(set(live))


def broken_together(size: Size, picture: Picture, state: State) -> Iterator[str]:
    """Return what the ledger says, held against what BSG has done."""
    provider = state.provider
    known = {bsg_id for batch in picture.batches for bsg_id in _ids(batch)}
    on_its_way = _ids_on_their_way(state)
    if doubled(provider):
        if not size.duplicate_window:
            yield "a message with two live BSG campaigns, without any duplicate window"
        elif size.duplicates == "refused":
            yield "a message with two live BSG campaigns, though BSG refuses reference ids that it knows"
        elif picture.alarms == 0 and doubled(tuple(taken for taken in provider if str(taken.id) in known)):
            yield "a message with two live BSG campaigns that the ledger knows, and no alarm"
    for taken in provider:
        if taken.batch < 0 or taken.status == DENIED:
            continue
        batch = picture.batches[taken.batch]
        name = str(taken.id)
        to_be_stopped = picture.cancelled and name in known and batch["state"] == "submitted"
        ordered = "stop_from" not in picture.campaign or taken.batch < int(picture.campaign["stop_from"])
        stops = {*picture.stops}
        if not picture.is_carried(taken.batch):
            stops |= {*picture.due_index("stops", picture.former)}
        if to_be_stopped and ordered and taken.status not in FINAL and name not in stops:
            yield "a cancelled campaign is at BSG, neither stopped nor to be stopped"
        if name not in known and taken.id not in on_its_way and not size.shown_late and not size.early_leases:
            ended = batch["state"] in UNSENT or (set(taken.messages) & picture.rejected)
            if ended and not doubled(provider):
                yield f"sent, but counted as {batch['state']} or rejected, and nobody knows"
    for number, batch in enumerate(picture.batches):
        if batch["state"] in {"submitted", "finished"}:
            at_bsg = {message for taken in provider if str(taken.id) in _ids(batch) for message in taken.messages}
            missing = set(picture.messages[number]) - at_bsg
            if missing and (batch["state"] == "finished" or "drops" not in size.responses):
                yield f"counted as {batch['state']}, but BSG never had it"
            if set(picture.rejected) & at_bsg:
                yield "sent and known, but rejected"


def _ids_on_their_way(state: State) -> set[int]:
    """BSG campaigns that somebody is about to record."""
    ids = {local[5] for local in state.workers if local and local[0] == "responded" and local[4] == "taken"}
    if state.reconciler and state.reconciler[0] == "looked" and state.reconciler[4][0] == "found":
        ids.add(state.reconciler[4][1])
    return ids


def final(picture: Picture) -> bool:
    """Every message has come to its end."""
    return {*picture.states} <= ENDED and not picture.chunks_due and not picture.has_steps_left
