"""One batch after the other through all that is done with it, in one thread: the processor time between two effects."""

from __future__ import annotations

import time
from collections import defaultdict

from tests.failpoints.doors import watched
from tests.worker.harness import prepare_next

from benchmarks.messages import MESSAGES_A_BATCH, SENDER, messages
from bsg_config.settings import Settings
from bsg_producer import Producer
from bsg_worker import runtime
from bsg_worker.submit.dispatch import dispatch_work

# What has been done at a point. What lies before any other point counts for the next of these.
_STEPS = {
    "after script store_chunk": "enqueue: generator, columns, zstd, store the chunk",
    "before script accept": "enqueue: the rest",
    "after script accept": "enqueue: commit",
    "after script lease_chunk": "prepare: lease the chunk with its messages",
    "before script prepared": "prepare: unpack, check, write as JSON, zstd",
    "after script prepared": "prepare: commit batches and rejects",
    "after script dispatch: send": "submit: slot of the limit and intent, with the body",
    "after POST send-individual": "submit: POST",
    "after script taken": "submit: record",
}


class _Clock:
    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._last = time.thread_time()

    def begin(self) -> None:
        self._last = time.thread_time()

    def read(self, point: str) -> None:
        if point not in _STEPS:
            return
        now = time.thread_time()
        self.spent[_STEPS[point]] += now - self._last
        self._last = now


def milliseconds(settings: Settings, batches: int) -> dict[str, float]:
    """Processor time of each step, in milliseconds a batch of 10 000, of campaigns of five batches."""
    producer, worker = Producer(settings), runtime.build(settings)
    clock = _Clock()
    with watched(clock.read):
        for _ in range(batches // 5):
            clock.begin()
            campaign_id = producer.enqueue(messages(5 * MESSAGES_A_BATCH), sender=SENDER).campaign_id
            clock.begin()
            while prepare_next(worker, campaign_id):
                pass
            clock.begin()
            while "submitted" in dispatch_work(worker):
                pass
    return {step: clock.spent[step] * 1000 / batches for step in _STEPS.values()}
