"""What happens to all of them: time, BSG's own pace; and what an operator does."""

from __future__ import annotations

from collections.abc import Callable

from tests.exhaustive.model import Kind, Model, State, Steps
from tests.exhaustive.provider import DENIED, with_changed, with_denied
from tests.exhaustive.snapshots import ACCOUNT, CAMPAIGN, DUE, LATER, LIMIT, RECENT, Keys, Picture
from tests.exhaustive.workers import lease_holders_grow_old, young_intent

HEAD = f"bsg:campaign:{CAMPAIGN}"


def surrounding_steps(model: Model, state: State) -> Steps:
    yield from _time(model, state)
    yield from _leases(model, state)
    yield from _bsg(model, state)
    yield from _person(model, state)
    yield from _word(model, state)


def _time(model: Model, state: State) -> Steps:
    picture = model.picture(state)
    if LATER in picture.due.values():

        def backoff(keys: Keys) -> None:
            keys[f"{HEAD}:due"] = dict.fromkeys(keys[f"{HEAD}:due"], DUE)

        yield "a backoff passes", Kind.COURSE, _aged(model, state, backoff)
    if model.size.deadline and not picture.deadline_passed and not picture.compacted:

        def deadline(keys: Keys) -> None:
            keys[HEAD]["deadline"] = str(DUE)

        yield "the deadline passes", Kind.DEADLINE, _aged(model, state, deadline)
    if not picture.slot_free:

        def slot(keys: Keys) -> None:
            del keys[LIMIT]

        yield "the slot comes free", Kind.COURSE, _aged(model, state, slot)
    looked = bool(state.reconciler) and state.reconciler[0] == "looked" and not model.size.stalls_after_looks
    in_time = model.size.shown_late or all(taken.shown for taken in state.provider)
    if in_time and not looked and any(look and not look[1] for look in state.fruitless_looks):
        fruitless_looks = tuple((look[0], True) if look else look for look in state.fruitless_looks)
        yield "the first look ages", Kind.COURSE, state._replace(fruitless_looks=fruitless_looks)
    for batch, record in enumerate(picture.batches):
        if model.size.duplicate_window and record.get("first_intent_at") == str(RECENT):
            key = f"{HEAD}:batch:{batch}"

            def window(keys: Keys, key: str = key) -> None:
                keys[key]["first_intent_at"] = str(DUE)

            yield f"the duplicate window of batch {batch} passes", Kind.COURSE, _aged(model, state, window)


def _leases(model: Model, state: State) -> Steps:
    picture = model.picture(state)
    for batch, score in picture.leases.items():
        if score == DUE:
            continue

        def over(keys: Keys, batch: int = batch) -> None:
            keys[f"{HEAD}:batch:{batch}"]["lease_until"] = str(DUE)
            keys[f"bsg:account:{ACCOUNT}:leases"][f"{CAMPAIGN}-{batch}"] = DUE

        then = _aged(model, state, over)
        yield f"the lease of batch {batch} runs out", Kind.COURSE, lease_holders_grow_old(then, batch)
        if model.size.early_leases and young_intent(state, batch):
            yield f"the lease of batch {batch} runs out early", Kind.FAULT, then
    for number, local in enumerate(state.workers):
        if local and local[0] == "intended" and local[4] and not _leased(picture, local[1], local[2]):
            # Its lease ran out early: by now it would have run out in time too.
            old = (*state.workers[:number], (*local[:4], False), *state.workers[number + 1 :])
            yield "an intent grows too old to leave", Kind.COURSE, state._replace(workers=old)
    for member, score in picture.chunks_due.items():
        if score == LATER:

            def chunk_over(keys: Keys, chunk: str = member) -> None:
                keys[f"{HEAD}:chunks"][chunk] = DUE
                if "lease_until" in keys[f"{HEAD}:chunk:{chunk}"]:
                    keys[f"{HEAD}:chunk:{chunk}"]["lease_until"] = str(DUE)

            yield f"the wait for chunk {member} is over", Kind.COURSE, _aged(model, state, chunk_over)


def _leased(picture: Picture, batch: int, token: str) -> bool:
    return picture.tokens[batch] == token and picture.leases.get(batch) == LATER


def _aged(model: Model, state: State, change: Callable[[Keys], None]) -> State:
    return state._replace(ledger=model.calls.changed(state.ledger, change))


def _bsg(model: Model, state: State) -> Steps:
    picture = model.picture(state)
    for taken in state.provider:
        if taken.status == DENIED:
            continue
        if not taken.shown:
            yield (
                f"BSG shows {taken.id}",
                Kind.COURSE,
                state._replace(provider=with_changed(state.provider, taken.id, shown=True)),
            )
        loses = "denied" in model.size.responses and all(
            other.status != DENIED for other in state.provider
        )  # once is enough
        if taken.status == "creation" and loses:
            yield f"BSG loses {taken.id}", Kind.FAULT, state._replace(provider=with_denied(state.provider, taken.id))
        # That it is being sent changes nothing but that it can be stopped.
        following = {"creation": "sending" if "cancel" in model.size.operator else "done", "sending": "done"}
        if taken.status in following:
            status = following[taken.status]
            words = f"BSG begins to send {taken.id}" if status == "sending" else f"BSG has sent {taken.id}"
            yield words, Kind.COURSE, state._replace(provider=with_changed(state.provider, taken.id, status=status))
        if model.size.duplicate_window and not taken.forgotten and taken.batch >= 0:
            old = picture.batches[taken.batch].get("first_intent_at", str(DUE)) == str(DUE)
            if old and (model.size.sharp_window or not young_intent(state, taken.batch)):
                yield (
                    f"BSG forgets the reference ids of {taken.id}",
                    Kind.FAULT,
                    state._replace(provider=with_changed(state.provider, taken.id, forgotten=True)),
                )


def _person(model: Model, state: State) -> Steps:
    picture, operator = model.picture(state), model.size.operator
    if "cancel" in operator and not picture.cancelled:
        _, then = model.call(state, "begin to cancel" if model.size.in_steps else "cancel")
        yield "an operator cancels", Kind.OPERATOR, then
    if "pause" in operator:
        kind = Kind.RELENT if picture.paused else Kind.OPERATOR
        _, then = model.call(state, "resume" if picture.paused else "pause")
        yield "an operator resumes" if picture.paused else "an operator pauses", kind, then
    if "retry" in operator and {"refused", "expired"} & {
        *picture.states,
        *(chunk["state"] for chunk in picture.chunks),
    }:
        reply, then = model.call(state, "begin to retry" if model.size.in_steps else "retry")
        yield f"an operator retries: {reply[0]}", Kind.OPERATOR, then
    if "gate" in operator:
        if picture.gate_shut or picture.gate_half_open:
            _, then = model.call(state, "gate", "open", "operator", "operator")
            yield "an operator opens the gate", Kind.RELENT, then
        if not picture.gate_shut:
            _, then = model.call(state, "gate", "shut", "operator", "operator")
            yield "an operator shuts the gate", Kind.OPERATOR, then
    for proved in (False, True) if "rekey" in operator and picture.campaign["account"] else ():
        reply, then = model.call(state, "rekey", proved, model.size.in_steps)
        yield f"another key{' of the same account' if proved else ''}, and back: {reply[0]}", Kind.OPERATOR, then
    if "compact" in operator and picture.index("closed") and not picture.has_steps_left and _is_final(picture):
        finished = tuple(number for number, now in enumerate(picture.states) if now == "finished")
        _, then = model.call(state, "compact", finished)
        yield "the campaign is compacted", Kind.OPERATOR, then
    if "purge" in operator and picture.index("closed"):
        _, then = model.call(state, "step", "forget_bodies")
        yield "bodies are forgotten", Kind.OPERATOR, then


def _is_final(picture: Picture) -> bool:
    """Return whether nothing of the closed campaign may still change."""
    indexes = ("needs-operator", "paused-at-bsg", "in-moderation", "spam-at-bsg", "stops")
    in_doubt = any(doubt and now != "finished" for doubt, now in zip(picture.doubts, picture.states, strict=True))
    return not in_doubt and not any(picture.due_index(index) for index in indexes)


def _word(model: Model, state: State) -> Steps:
    """An operator's decision is true, and not given while a request may still leave."""
    picture = model.picture(state)
    for batch, now in enumerate(picture.states):
        if now == "submitted" and "needs_operator" in picture.batches[batch]:
            yield from _word_on_what_is_denied(model, state, batch)
        if now != "unconfirmed" or young_intent(state, batch):
            continue
        there = [taken for taken in state.provider if taken.batch == batch and taken.status != DENIED]
        if not there:
            _, then = model.call(state, "not sent", batch)
            yield f"an operator says that batch {batch} was not sent", Kind.RESOLVE, then
        for taken in there:
            if taken.shown:
                _, then = model.call(state, "taken", batch, taken.id)
                yield f"an operator says that batch {batch} is {taken.id} at BSG", Kind.RESOLVE, then


def _word_on_what_is_denied(model: Model, state: State, batch: int) -> Steps:
    bsg_id = int(model.picture(state).batches[batch]["bsg_campaign_id"])
    _, then = model.call(state, "sent", batch, bsg_id)
    yield f"an operator says that {bsg_id} was sent all the same", Kind.RESOLVE, then
    lost = model.picture(state).batches[batch]["needs_operator"] == "lost"
    if (
        lost
        and not any(taken.live and taken.batch == batch for taken in state.provider)
        and not young_intent(state, batch)
    ):
        _, then = model.call(state, "not sent", batch)
        yield f"an operator says that {bsg_id} was never sent", Kind.RESOLVE, then
