"""Send one dispatched batch to BSG, if it still may leave."""

from __future__ import annotations

from dataclasses import dataclass, field

from redis.exceptions import RedisError

from bsg_client.outcomes import Outcome
from bsg_config import clock
from bsg_config.tracing import span
from bsg_ledger.limiter import MAX_SLOT_WAIT, Later
from bsg_ledger.times import to_datetime
from bsg_ledger.work import Send
from bsg_messages.bodies import unpacked
from bsg_messages.body_cipher import DecryptionError
from bsg_messages.campaign_options import CampaignOptions
from bsg_worker.campaign_traces import span_of_attempt
from bsg_worker.runtime import Runtime

MAX_SLOT_AGE_SECONDS = 1.0  # a later request would collide with those of later slots


@dataclass(frozen=True, slots=True)
class Posted:
    """The request was attempted. `asked_at` is on this process's monotonic clock; `took` is in seconds."""

    outcome: Outcome
    body: bytes = field(repr=False)
    asked_at: float
    took: float


@dataclass(frozen=True, slots=True)
class NothingLeft:
    """Nothing of the batch has left, and nothing will until it is dispatched again.

    `delay` is in seconds; None: by the attempts so far. `unreadable`: its messages cannot be read here. `ends`: the
    next batch would not leave either.
    """

    cause: str
    delay: float | None = None
    unreadable: bool = False
    ends: bool = True


UNREADABLE_DELAY_SECONDS = 60.0  # an operator has to repair it, for example BODY_KEY
NO_REDIS = NothingLeft("Redis did not respond")
SLOT_MISSED = NothingLeft("missed its slot of the rate limit")


def unreadable(cause: str) -> NothingLeft:
    return NothingLeft(cause, delay=UNREADABLE_DELAY_SECONDS, unreadable=True, ends=False)


def post(runtime: Runtime, send: Send, asked_at: float) -> Posted | NothingLeft:
    """Post the batch. Return the result. `asked_at` is when the ledger was asked for work."""
    slot_at = clock.monotonic() + send.slot_in  # counted from the ledger's reply: from the request would be too early
    with span_of_attempt(runtime, send, asked_at) as dispatched:
        posted = _post(runtime, send, asked_at, slot_at)
        outcome = "not_sent" if isinstance(posted, NothingLeft) else posted.outcome.kind
        dispatched.note(outcome=outcome)
    return posted


def _post(runtime: Runtime, send: Send, asked_at: float, slot_at: float) -> Posted | NothingLeft:
    try:
        body = unpacked(send.body, send.batch.campaign_id, runtime.cipher)
        options = CampaignOptions.from_json(send.options)
    except (DecryptionError, ValueError) as error:
        return unreadable(str(error))
    except Exception as error:
        # A stored body may be broken in any way. The intent is recorded, so an exception that escapes would put a batch
        # in doubt that never left. Its message may contain a phone or a text.
        return unreadable(f"cannot be read: {type(error).__name__}")
    clock.sleep(max(0.0, slot_at - clock.monotonic()))  # guard: slot-awaited
    if clock.monotonic() - asked_at > MAX_SLOT_AGE_SECONDS:  # guard: slot-stale
        # The slot is stale: later slots have been used since. Reserve again.
        try:
            slot = runtime.submit_limiter.reserve(MAX_SLOT_WAIT)
        except RedisError:
            return NO_REDIS
        if isinstance(slot, Later):
            return SLOT_MISSED
        clock.sleep(slot.wait)
    fields, _ = options.request_fields(to_datetime(send.now_ms), runtime.account.bsg_timezone)
    began = clock.monotonic()
    with span("bsg.post", "CLIENT") as request:
        outcome = runtime.client.send_individual(body, fields, lambda: _is_young(runtime, asked_at))
        request.note(outcome=outcome.kind, cause=outcome.cause)
    return Posted(outcome, body, asked_at, clock.monotonic() - began)


def _is_young(runtime: Runtime, intent_at: float) -> bool:
    """Return whether a request that begins now ends well before the lease does, by this process's clock alone."""
    # guard: intent-before-lease-end
    return clock.monotonic() - intent_at < runtime.settings.lease_seconds - 2 * runtime.account.max_request_seconds
