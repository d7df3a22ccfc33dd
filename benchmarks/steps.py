"""One batch after the other through all that is done with it, in one thread: the processor time between two points.

The points are those at which the tests make processes die, so the steps are what lies between two effects.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from benchmarks.messages import MESSAGES_A_BATCH, SENDER, messages
from bsg_config.crash_points import CrashPoint
from bsg_config.settings import Settings
from bsg_producer import Producer
from bsg_worker import runtime
from bsg_worker.prepare import prepare_next
from bsg_worker.submit import submit_batches

# What has been done when a point is reached. What lies before any other point counts for the next of these.
_STEPS = {
    CrashPoint.ENQUEUE_PART_STORED: "enqueue: generator, columns, zstd, store the part",
    CrashPoint.ENQUEUE_BEFORE_THE_COMMIT: "enqueue: the rest",
    CrashPoint.ENQUEUE_COMMITTED: "enqueue: commit",
    CrashPoint.ENQUEUE_SETTLED: "enqueue: wait for the disk",
    CrashPoint.PREPARE_PART_LEASED: "prepare: lease the part with its messages",
    CrashPoint.PREPARE_PART_CHECKED: "prepare: unpack, check, write as JSON, zstd",
    CrashPoint.PREPARE_PART_COMMITTED: "prepare: commit batches and rejects",
    CrashPoint.PREPARE_RUNG: "prepare: ring for the submit",
    CrashPoint.SUBMIT_CLAIMED: "submit: claim with the body",
    CrashPoint.SUBMIT_INTENT_WRITTEN: "submit: unpack, permit, slot of the limit, intent",
    CrashPoint.SUBMIT_ANSWERED: "submit: POST",
    CrashPoint.SUBMIT_RECORDED: "submit: record",
}


class _Clock:
    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._last = time.thread_time()

    def begin(self) -> None:
        self._last = time.thread_time()

    def reached(self, point: CrashPoint) -> None:
        if point not in _STEPS:
            return
        now = time.thread_time()
        self.spent[_STEPS[point]] += now - self._last
        self._last = now


def milliseconds(settings: Settings, batches: int) -> dict[str, float]:
    """Processor time of each step, in milliseconds a batch of 10 000, of campaigns of five batches."""
    producer, worker = Producer(settings), runtime.build(settings)
    with _read_at_every_point() as clock:
        for _ in range(batches // 5):
            clock.begin()
            campaign_id = producer.enqueue(messages(5 * MESSAGES_A_BATCH), sender=SENDER).campaign_id
            clock.begin()
            while prepare_next(worker, campaign_id):
                pass
            for _ in range(5):
                clock.begin()
                submit_batches(worker, campaign_id, "")
    return {step: clock.spent[step] * 1000 / batches for step in _STEPS.values()}


@contextmanager
def _read_at_every_point() -> Iterator[_Clock]:
    clock = _Clock()
    with ExitStack() as stack:
        for module in ("bsg_producer.enqueueing", "bsg_worker.prepare", "bsg_worker.submit"):
            stack.enter_context(patch(f"{module}.reached", clock.reached))
        yield clock
