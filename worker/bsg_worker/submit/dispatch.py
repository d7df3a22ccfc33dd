"""Do the work that the ledger dispatches for an account: send batches, prepare chunks, and wait for slots."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from bsg_config import clock
from bsg_ledger.work import Again, GateShut, Nothing, OpenHours, Prepare, Recheck, Send, Wait
from bsg_worker.failures import concerning
from bsg_worker.prepare.prepare import prepare_chunk
from bsg_worker.runtime import Runtime, new_token
from bsg_worker.submit.ask import Asked, NotKept, NotReady, Unanswered, ask
from bsg_worker.submit.done import Done
from bsg_worker.submit.hours import set_next_hours
from bsg_worker.submit.post import NothingLeft, post
from bsg_worker.submit.put_back import NOT_KEPT, put_back, put_back_unanswered
from bsg_worker.submit.recheck import recheck_suppressions
from bsg_worker.submit.record_post import record_post

MAX_SECONDS = 2.0  # continuing saves wake-ups; a longer task would keep this thread from other accounts
MAX_PIECES = 100  # a task's outcome names each of them
MAX_SLEEP_SECONDS = 2.0
MAX_PERMIT_WAIT_SECONDS = 0.5
MAX_DELAY_SECONDS = 20.0  # after longer waits the sweep wakes workers


def dispatch_work(runtime: Runtime) -> str:
    """Do the account's work, piece by piece, for a bounded time. Return the outcome of each piece."""
    if not runtime.threads.join():
        return ""  # the other threads do the work
    try:
        return "; ".join(filter(None, _outcomes(runtime)))
    finally:
        runtime.threads.leave()
        runtime.measurements.flush()


def _outcomes(runtime: Runtime) -> list[str]:
    stop_at = clock.monotonic() + MAX_SECONDS
    outcomes: list[str] = []
    slept = 0.0
    while True:
        done = _piece(runtime, stop_at, slept)
        if done is None:
            break
        outcomes.append(done.outcome)
        if done.ends:
            break
        if len(outcomes) >= MAX_PIECES or clock.monotonic() >= stop_at:
            # Let another task continue.
            runtime.wakeups.notify(runtime.account.name)  # guard: task-wakes-for-the-rest
            break
        slept = slept + done.slept if done.slept else 0.0
    return outcomes


def _piece(runtime: Runtime, stop_at: float, slept: float) -> Done | None:
    """Do the next piece of work. Return None if there is none for this thread."""
    if not runtime.permits.acquire(blocking=False):
        # While all permits are in use, one thread prepares chunks.
        done = _prepare_ahead(runtime)
        if done is not None:
            return done
        if not runtime.permits.acquire(timeout=MAX_PERMIT_WAIT_SECONDS):
            return None
    token, asked_at = new_token(), clock.monotonic()
    try:
        work = ask(runtime, token)
        _wake_another(runtime, work)
        subject = _subject_of(work)
        with concerning(**subject):
            posted = post(runtime, work, asked_at) if isinstance(work, Send) else NOT_KEPT
    finally:
        # Release before recording, so that the next request does not wait for it.
        runtime.permits.release()  # guard: permit-returned
    with concerning(**subject):
        if isinstance(work, Send):
            if isinstance(posted, NothingLeft):
                return put_back(runtime, work, posted)
            return record_post(runtime, work, posted, slept)
        if isinstance(work, Wait):
            return _wait(runtime, work, stop_at)
        return _finish(runtime, work, token)


def _subject_of(work: Asked) -> Mapping[str, object]:
    match work:
        case Send():
            return {"campaign": work.batch.campaign_id, "batch": work.batch, "attempt": work.attempts + 1}
        case Recheck():
            return {"campaign": work.batch.campaign_id, "batch": work.batch}
        case Prepare() | OpenHours():
            return {"campaign": work.campaign_id}
    return {}


def _prepare_ahead(runtime: Runtime) -> Done | None:
    """Prepare a chunk without a permit. Return None if another thread does, or no chunk is needed yet."""
    if not runtime.preparing_ahead.acquire(blocking=False):
        return None
    try:
        token = new_token()
        work = ask(runtime, token, permit=False)
        _wake_another(runtime, work)
        return _finish(runtime, work, token)
    finally:
        runtime.preparing_ahead.release()


def _wake_another(runtime: Runtime, work: Asked) -> None:
    if isinstance(work, Send | Prepare) and work.wake_another and not runtime.threads.enough:
        runtime.wakeups.notify(runtime.account.name)


def _wait(runtime: Runtime, work: Wait, stop_at: float) -> Done | None:
    if not work.mine or work.seconds > MAX_DELAY_SECONDS:
        return None  # another thread waits, or the sweep wakes
    if work.seconds > MAX_SLEEP_SECONDS or clock.monotonic() >= stop_at:
        wake_later(runtime, work.seconds)
        return None
    clock.sleep(work.seconds)
    return Done("", slept=work.seconds)


def wake_later(runtime: Runtime, seconds: float) -> None:
    """Wake a worker of the account in so many seconds. If this process ends before that, the sweep wakes one."""
    timer = threading.Timer(seconds, runtime.wakeups.notify, [runtime.account.name])
    timer.daemon = True
    timer.start()


def _finish(runtime: Runtime, work: Asked, token: str) -> Done | None:
    match work:
        case NotKept(send):
            return put_back(runtime, send, NOT_KEPT)
        case Unanswered():
            return put_back_unanswered(runtime, token)
        case NotReady(cause):
            return Done(cause, ends=True)
        case Prepare():
            return Done(f"{work.campaign_id} chunk {work.chunk} {prepare_chunk(runtime, work)}")
        case Recheck():
            return recheck_suppressions(runtime, work)
        case OpenHours():
            return set_next_hours(runtime, work)
        case Again():
            return Done("")
        case GateShut() | Nothing():
            return None
    raise AssertionError(work)
