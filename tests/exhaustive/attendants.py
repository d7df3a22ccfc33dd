"""What the status worker does: sweep, stop, reconcile, poll, probe. Every step is one effect.

reconciler  ("read", batch, attempts, size, suspects)   a record in doubt
            ("looked", batch, attempts, size, finding)  what BSG showed
poller      ("read", batch, state, size, id)   a record at BSG
            ("seen", batch, state, size, id, status, total)  BSG's response
            ("shrunk", ...)                             the same, what BSG dropped being rejected
stopper     ("refused", id)                             BSG has refused to stop it, and its status is to be read
            ("over", id, status)                        BSG calls it final
"""

from __future__ import annotations

from bsg_ledger.campaigns import STEPS
from bsg_worker.reconcile.lookup import Found, NoTrace, Undecided, UsedBefore
from tests.exhaustive.model import IDLE, Kind, Local, Model, State, Steps
from tests.exhaustive.provider import CAN_BE_STOPPED, DENIED, FINAL, looked, with_changed
from tests.exhaustive.recorded_calls import rows_of
from tests.exhaustive.snapshots import DUE
from tests.exhaustive.workers import without

ENDS = FINAL | {DENIED}


def attendant_steps(model: Model, state: State) -> Steps:
    yield from _sweeps(model, state)
    yield from _stops(model, state)
    yield from _reconciles(model, state)
    yield from _polls(model, state)


def _sweeps(model: Model, state: State) -> Steps:
    picture = model.picture(state)
    if any(score == DUE for score in picture.due_index("leases").values()):
        _, then = model.call(state, "take back")
        yield "sweep takes leases back", Kind.COURSE, then
    if picture.index("deadlines") and picture.deadline_passed:
        _, then = model.call(state, "expire")
        yield "sweep expires", Kind.COURSE, then
    for step in STEPS if picture.has_steps_left else ():
        reply, then = model.call(state, "step", step)
        yield f"somebody takes a step, {step}: {reply[0]}", Kind.COURSE, then
    if picture.gate_shut and picture.gate.get("reason") != "operator":
        reply, then = model.call(state, "gate", "reopen", "", "probe")
        yield f"a probe opens the gate: {reply[0]}", Kind.COURSE, then


def _stops(model: Model, state: State) -> Steps:
    if state.stopper:
        yield "the stopper crashes", Kind.FAULT, state._replace(stopper=IDLE)
        yield from _ends_a_stop(model, state, *state.stopper)
        return
    for name in model.picture(state).stops:
        bsg_id = int(name)
        (taken,) = (taken for taken in state.provider if taken.id == bsg_id)
        if taken.status == DENIED:
            reply, then = model.call(state, "stop denied", bsg_id)
            yield f"BSG does not know {bsg_id}, which it has to stop: {reply[0]}", Kind.COURSE, then
            continue
        if taken.status not in CAN_BE_STOPPED:
            then = state._replace(stopper=("refused", bsg_id))
            yield f"BSG refuses to stop {bsg_id}", Kind.COURSE, then
            continue
        then = state._replace(provider=with_changed(state.provider, bsg_id, status="stopped"))
        yield f"BSG stops {bsg_id}", Kind.COURSE, then._replace(stopper=("over", bsg_id, "stopped"))
        yield f"BSG stops {bsg_id}, its response is lost", Kind.FAULT, then


def _ends_a_stop(model: Model, state: State, kind: str, bsg_id: int, status: str = "") -> Steps:
    idle = state._replace(stopper=IDLE)
    if kind == "over":
        _, then = model.call(idle, "stopped", bsg_id, status)
        yield "a stop is recorded", Kind.COURSE, then
        return
    (taken,) = (taken for taken in state.provider if taken.id == bsg_id)
    if taken.status in FINAL:
        then = state._replace(stopper=("over", bsg_id, taken.status))
        yield f"the stopper reads that {bsg_id} is over", Kind.COURSE, then
    elif taken.status != DENIED:
        _, then = model.call(idle, "stop refused", bsg_id, taken.status)
        yield f"the stopper reads that {bsg_id} is not over", Kind.COURSE, then
    else:
        yield "the stopper reads nothing", Kind.COURSE, idle


def _reconciles(model: Model, state: State) -> Steps:
    picture = model.picture(state)
    if not state.reconciler:
        if any(state.fruitless_looks):
            forgot = state._replace(fruitless_looks=(IDLE,) * len(state.fruitless_looks))
            yield "the reconciler crashes and forgets", Kind.FAULT, forgot
        for member in picture.due_index("doubt"):
            batch = int(member.rsplit("-", 1)[1])
            record = picture.batches[batch]
            suspects = tuple(int(row) for row in record.get("suspects", "").split(",") if row.isdecimal())
            local = ("read", batch, picture.attempts[batch], int(record["size"]), suspects)
            yield f"the reconciler reads batch {batch}", Kind.COURSE, state._replace(reconciler=local)
        return
    crashed = state._replace(reconciler=IDLE, fruitless_looks=(IDLE,) * len(state.fruitless_looks))
    yield "the reconciler crashes", Kind.FAULT, crashed
    kind, batch, attempts, size, detail = state.reconciler
    if kind == "read":
        yield "BSG does not respond to the reconciler", Kind.FAULT, state._replace(reconciler=IDLE)
        messages = rows_of(picture.bodies[batch] or "")
        owners = tuple(picture.owners.items())
        finding = looked(state.provider, owners, batch, size, detail, messages)
        match finding:
            case Found(campaigns):
                found: tuple[object, ...] = ("found", tuple(campaign.id for campaign in campaigns), messages)
            case UsedBefore(positions):
                found = ("used", tuple(sorted(positions)), messages)
            case Undecided():
                found = ("undecided", 0, messages)
            case NoTrace():
                found = ("no trace", 0, messages)
        then = state._replace(reconciler=("looked", batch, attempts, size, found))
        if found[0] != "no trace":
            then = then._replace(fruitless_looks=_with(then, batch, IDLE))
        yield f"the reconciler looks: {found[0]}", Kind.COURSE, then
        return
    yield from _acts(model, state)


def _with(state: State, batch: int, look: tuple[object, ...]) -> tuple[tuple[object, ...], ...]:
    return (*state.fruitless_looks[:batch], look, *state.fruitless_looks[batch + 1 :])


def _acts(model: Model, state: State) -> Steps:
    _, batch, attempts, size, (what, detail, messages) = state.reconciler
    idle = state._replace(reconciler=IDLE)
    match what:
        case "found":
            bsg_id, *others = detail
            reply, then = model.call(idle, "taken", batch, bsg_id, *([tuple(others)] if others else ()))
        case "used":
            indexes = model.picture(state).messages[batch]
            if len(indexes) != len(messages):
                yield "the batch has changed meanwhile", Kind.COURSE, idle
                return
            rest, _ = without(messages, indexes, set(detail))
            rejected = tuple(indexes[position] for position in detail)
            reply, then = model.call(idle, "shrink", batch, "unconfirmed", size, rest, rejected)
        case "undecided":
            reply, then = model.call(idle, "ask", batch, attempts)
        case _:
            look = state.fruitless_looks[batch]
            if not look or look[0] != attempts:
                first = idle._replace(fruitless_looks=_with(idle, batch, (attempts, False)))
                yield "a first fruitless look is noted", Kind.COURSE, first
                return
            if not look[1]:
                yield "a fruitless look is too soon", Kind.COURSE, idle
                return
            reply, then = model.call(idle, "absent", batch, attempts, model.size.duplicate_window)
    yield f"the reconciler records {what}: {reply[0]}", Kind.COURSE, then


def _polls(model: Model, state: State) -> Steps:
    picture = model.picture(state)
    if not state.poller:
        for member in picture.due_index("live"):
            batch = int(member.rsplit("-", 1)[1])
            record = picture.batches[batch]
            taken = next(taken for taken in state.provider if taken.id == int(record["bsg_campaign_id"]))
            if record["state"] == "finished" or (taken.status not in ENDS and "drops" not in model.size.responses):
                continue  # nothing would come of it but another look
            local: Local = ("read", batch, record["state"], int(record["size"]), taken.id)
            yield f"the poller reads batch {batch}", Kind.COURSE, state._replace(poller=local)
        return
    yield "the poller crashes", Kind.FAULT, state._replace(poller=IDLE)
    kind, batch, before, size, bsg_id, *seen = state.poller
    (taken,) = (taken for taken in state.provider if taken.id == bsg_id)
    if kind == "read" and taken.status == DENIED:
        reply, then = model.call(state._replace(poller=IDLE), "lost", batch, bsg_id)
        yield f"BSG does not know {bsg_id} any more: {reply[0]}", Kind.COURSE, then
        return
    if kind == "read":
        total = len(taken.messages) if taken.status != "creation" else None
        local = ("seen", *state.poller[1:], taken.status, total)
        yield "BSG shows the poller its status", Kind.COURSE, state._replace(poller=local)
        return
    status, total = seen
    indexes = picture.messages[batch]
    dropped = [position for position, message in enumerate(indexes) if message not in taken.messages]
    fits = len(indexes) == size and size - len(dropped) == total
    if kind == "seen" and status in FINAL and total < size and fits:
        rest, _ = without(indexes, indexes, set(dropped))
        rejected = tuple(indexes[position] for position in dropped)
        reply, then = model.call(state, "shrink", batch, before, size, rest, rejected)
        local = ("shrunk", *state.poller[1:])
        yield f"the poller rejects what BSG dropped: {reply[0]}", Kind.COURSE, then._replace(poller=local)
        return
    reply, then = model.call(state._replace(poller=IDLE), "polled", batch, status, status in FINAL, total)
    yield f"the poller records {status}: {reply[0]}", Kind.COURSE, then
