"""What a worker does: it asks the dispatcher, and prepares a chunk; or POSTs and records. Every step is one effect.

What a worker holds in its hands (its local state) is all that it knows:

  ()                                       nothing
  ("lost", 0, token)                       it has asked, and the reply was lost
  ("chunk", chunk, token)                    a leased chunk
  ("intended", batch, token, messages, young)  a batch that it may send, the request not made; young: it may still leave
  ("responded", batch, token, messages, what, detail)  BSG's reply, not recorded yet
"""

from __future__ import annotations

from tests.exhaustive.model import IDLE, Kind, Local, Model, State, Steps
from tests.exhaustive.provider import Rows, refused_ids, with_changed, with_taken


def worker_steps(model: Model, state: State) -> Steps:
    for number, local in enumerate(state.workers):
        if number and local == state.workers[number - 1]:
            continue  # workers are alike
        if not local:
            yield from _begins(model, state, number)
            continue
        yield "a worker crashes", Kind.FAULT, _held(state, number, IDLE)
        match local[0]:
            case "chunk":
                yield from _prepares(model, state, number)
            case "lost":
                yield from _withdraws_lost(model, state, number)
            case "intended":
                yield from _posts(model, state, number)
            case "responded":
                yield from _records(model, state, number)


def _held(state: State, number: int, local: Local) -> State:
    workers = state.workers
    return state._replace(workers=(*workers[:number], local, *workers[number + 1 :]))


def _fresh_token(model: Model, state: State) -> str:
    picture = model.picture(state)
    used = {*picture.tokens, *(chunk.get("token", "") for chunk in picture.chunks)}
    used.update(local[2] for local in state.workers if len(local) > 2)
    return next(token for token in map("t{}".format, range(1, 99)) if token not in used)


def _begins(model: Model, state: State, number: int) -> Steps:
    token = _fresh_token(model, state)
    before = model.picture(state)
    reply, then = model.call(state, "dispatch", token, model.size.duplicate_window, model.size.limit)
    local: Local = IDLE
    if reply[0] == "prepare":
        local = ("chunk", reply[1], token)
    elif reply[0] == "send":
        _, batch, messages = reply
        local = ("intended", batch, token, messages, True)
        if not before.doubts[batch]:  # from now on what BSG has of this batch is older than the first intent in doubt
            for taken in then.provider:
                if taken.batch == batch:
                    then = then._replace(provider=with_changed(then.provider, taken.id, older=True))
    yield f"a worker asks what to do: {reply[0]}", Kind.COURSE, _held(then, number, local)
    if local and model.size.unheard:
        yield f"a worker asks what to do, unheard: {reply[0]}", Kind.FAULT, _held(then, number, ("lost", 0, token))


def _withdraws_lost(model: Model, state: State, number: int) -> Steps:
    reply, then = model.call(state, "withdraw lost", state.workers[number][2])
    found = "nothing" if reply[0] is None else "a batch"
    yield f"a worker takes back what it did not hear of: {found}", Kind.COURSE, _held(then, number, IDLE)


def _prepares(model: Model, state: State, number: int) -> Steps:
    _, chunk, token = state.workers[number]
    plan = model.size.chunks[chunk]
    reply, then = model.call(state, "prepared", chunk, token, plan.batches, plan.rejects)
    yield f"a worker commits chunk {chunk}: {reply[0]}", Kind.COURSE, _held(then, number, IDLE)
    yield "a commit's reply is lost", Kind.FAULT, _held(then, number, IDLE)
    reply, then = model.call(state, "release chunk", chunk, token)
    yield f"a worker gives chunk {chunk} back: {reply[0]}", Kind.FAULT, _held(then, number, IDLE)


def _posts(model: Model, state: State, number: int) -> Steps:
    _, batch, token, messages, young = state.workers[number]

    def responded(what: str, detail: object = 0, provider: State = state) -> State:
        return _held(provider, number, ("responded", batch, token, messages, what, detail))

    reply, then = model.call(state, "withdraw", batch, token)
    yield f"a worker takes its intent back: {reply[0]}", Kind.FAULT, _held(then, number, IDLE)
    if not young:
        yield "a request is too old to leave", Kind.COURSE, responded("not taken", False)
        return
    known = () if model.size.duplicates == "allowed" else refused_ids(state.provider, messages)
    if known:
        yield "BSG knows reference ids", Kind.COURSE, responded("ids", known)
        yield "BSG knows reference ids, and does not say which", Kind.FAULT, responded("ids")
    takes = not known or model.size.duplicates == "either"
    if takes and sum(taken.batch >= 0 for taken in state.provider) < model.size.most_taken:
        yield from _taken(model, state, number)
    responses = model.size.responses
    if "lost" in responses:
        yield "a request is lost", Kind.FAULT, responded("doubt")
    if "not taken" in responses:
        yield "BSG does not take it now", Kind.FAULT, responded("not taken", False)
        if model.picture(state).gate_half_open:  # elsewhere it makes no difference whether BSG responded
            yield "BSG is out of reach", Kind.FAULT, responded("not taken", True)
    if "refused" in responses:
        yield "BSG refuses", Kind.FAULT, responded("refused")
    if "closed" in responses:
        yield "BSG has closed the account", Kind.FAULT, responded("closed", "bad_key")
    if "rows" in responses and takes:
        for position in range(len(messages)):
            yield f"BSG refuses row {position}", Kind.FAULT, responded("rows", position)


def _taken(model: Model, state: State, number: int) -> Steps:
    _, batch, token, messages, _ = state.workers[number]
    kept = [messages]
    if "drops" in model.size.responses and len(messages) > 1:
        kept.append(messages[1:])
    for rows in kept:
        provider, bsg_id = with_taken(state.provider, batch, rows)
        then = state._replace(provider=provider)
        words = "BSG takes it" if rows == messages else "BSG takes it but for its first message"
        kind = Kind.COURSE if rows == messages else Kind.FAULT
        yield words, kind, _held(then, number, ("responded", batch, token, messages, "taken", bsg_id))
        if "lost" in model.size.responses:
            local: Local = ("responded", batch, token, messages, "doubt", 0)
            yield f"{words}, the reply is lost", Kind.FAULT, _held(then, number, local)


def _records(model: Model, state: State, number: int) -> Steps:
    _, batch, token, messages, what, detail = state.workers[number]
    match what:
        case "taken":
            reply, then = model.call(state, "taken", batch, detail, (), token)
        case "refused":
            reply, then = model.call(state, "refused", batch, token)
        case "not taken":
            reply, then = model.call(state, "not taken", batch, token, detail)
        case "closed":
            reply, then = model.call(state, "account closed", batch, token, detail)
        case "rows":
            reply, then = _refuses_rows(model, state, batch, token, messages, detail)
        case _:
            suspects: Rows | None = None
            if what == "ids":
                suspects = detail or ()
            reply, then = model.call(state, "doubtful", batch, token, suspects)
    yield f"a worker records {what}: {reply[0]}", Kind.COURSE, _held(then, number, IDLE)
    if then.ledger != state.ledger:
        # Redis did it, its reply did not arrive: the same is recorded again.
        yield f"a worker records {what}, unheard: {reply[0]}", Kind.FAULT, then


def _refuses_rows(
    model: Model, state: State, batch: int, token: str, messages: Rows, position: int
) -> tuple[tuple[object, ...], State]:
    indexes = model.picture(state).messages[batch]  # read from the ledger, as the body was read at the claim
    rest, _ = without(messages, indexes, {position})
    rejected = (indexes[position],) if position < len(indexes) else ()
    return model.call(state, "rows refused", batch, token, rest, rejected)


def without(messages: Rows, indexes: Rows, positions: set[int] | frozenset[int]) -> tuple[Rows, Rows]:
    """Return what is left of a request without the messages at some positions, and of the batch's indexes."""
    rest = tuple(message for position, message in enumerate(messages) if position not in positions)
    return rest, tuple(index for position, index in enumerate(indexes) if position not in positions)


def lease_holders_grow_old(state: State, batch: int) -> State:
    """Nobody's intent for that batch is young any more: as it is by any clock when the lease has run out in time."""
    workers = tuple(
        (*local[:4], False) if local and local[0] == "intended" and local[1] == batch else local
        for local in state.workers
    )
    return state._replace(workers=workers)


def young_intent(state: State, batch: int) -> bool:
    return any(local and local[0] == "intended" and local[1] == batch and local[4] for local in state.workers)
