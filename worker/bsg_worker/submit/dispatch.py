"""Does what the ledger dispatches for an account: it sends batches, prepares chunks, and waits for the next slot."""

from __future__ import annotations

import threading

from bsg_config import clock
from bsg_ledger.work import Again, GateShut, Nothing, OpenHours, Prepare, Recheck, Send, Wait, Work
from bsg_worker.prepare.prepare import prepare_chunk
from bsg_worker.runtime import Runtime, new_token
from bsg_worker.submit.ask import NotKept, NotReady, Unanswered, ask
from bsg_worker.submit.done import Done
from bsg_worker.submit.hours import set_next_hours
from bsg_worker.submit.post import NothingLeft, Posted, post
from bsg_worker.submit.put_back import NOT_KEPT, put_back, put_back_unanswered
from bsg_worker.submit.recheck import recheck_suppressions
from bsg_worker.submit.record_post import record_post

MAX_SECONDS = 0.5  # going on saves wake-ups; a longer task would keep other accounts from this thread
MAX_PIECES = 50  # a task's outcome names each of them
MAX_SLEEP_SECONDS = 2.0
MAX_PERMIT_WAIT_SECONDS = 0.5
MAX_DELAY_SECONDS = 20.0  # the ledger expects nobody to wait for longer than that: the sweep wakes then


def dispatch_work(runtime: Runtime) -> str:
    """Do what is to be done for the account, piece by piece, for a bounded time; return what came of each piece."""
    stop_at = clock.monotonic() + MAX_SECONDS
    outcomes: list[str] = []
    token, slept = new_token(), 0.0
    while _acquires_permit(runtime):
        asked_at = clock.monotonic()
        try:
            work = ask(runtime, token)
            # While somebody waits for a permit, this process has enough threads at work.
            if isinstance(work, Send | Prepare) and work.wake_another and not runtime.permit_line.locked():
                runtime.wakeups.notify(runtime.account_name)
            posted = post(runtime, work, asked_at) if isinstance(work, Send) else NOT_KEPT
        finally:
            # Before the record: the next request does not wait for it.
            runtime.permits.release()  # guard: permit-returned
        if isinstance(work, GateShut | Nothing):
            break
        if isinstance(work, Wait):
            if not work.mine or work.seconds > MAX_DELAY_SECONDS:
                break  # somebody else waits, or the sweep wakes
            if work.seconds > MAX_SLEEP_SECONDS or clock.monotonic() >= stop_at:
                wake_later(runtime, work.seconds)
                break
            clock.sleep(work.seconds)
            slept += work.seconds
            continue
        done = _finish(runtime, work, posted, token, slept)
        outcomes.append(done.outcome)
        if done.ends:
            break
        if len(outcomes) >= MAX_PIECES or clock.monotonic() >= stop_at:
            # For another task to go on.
            runtime.wakeups.notify(runtime.account_name)  # guard: task-wakes-for-the-rest
            break
        token, slept = new_token(), 0.0
    runtime.measurements.flush()
    return "; ".join(filter(None, outcomes))


def _acquires_permit(runtime: Runtime) -> bool:
    """Acquire a permit. One thread may wait for it, so that it is used again as soon as BSG has answered."""
    if runtime.permits.acquire(blocking=False):
        return True
    if not runtime.permit_line.acquire(blocking=False):
        return False
    try:
        return runtime.permits.acquire(timeout=MAX_PERMIT_WAIT_SECONDS)
    finally:
        runtime.permit_line.release()


def wake_later(runtime: Runtime, seconds: float) -> None:
    """Wake a worker of the account in so many seconds. If this process ends before, the sweep does."""
    timer = threading.Timer(seconds, runtime.wakeups.notify, [runtime.account_name])
    timer.daemon = True
    timer.start()


def _finish(
    runtime: Runtime,
    work: Work | NotReady | NotKept | Unanswered,
    posted: Posted | NothingLeft,
    token: str,
    slept: float,
) -> Done:
    match work:
        case Send():
            if isinstance(posted, NothingLeft):
                return put_back(runtime, work, posted)
            return record_post(runtime, work, posted, slept)
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
    raise AssertionError(work)
