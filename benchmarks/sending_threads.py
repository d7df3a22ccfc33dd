"""Threads of a web app that send one message each, again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.messages import messages
from bsg_producer import Stream

THREADS = 16


@dataclass(slots=True)
class Sent:
    """When the first message was sent (monotonic), and when each was (seconds since 1970), by its id."""

    began: float
    at: dict[str, float] = field(default_factory=dict)


def send_from_threads(stream: Stream, count: int, *, rate: float | None = None) -> Sent:
    """Send so many messages from 16 threads, together at most `rate` a second; as fast as they can if None."""
    lists: list[list[dict[str, Any]]] = [list(_every(thread, count)) for thread in range(THREADS)]
    sent = Sent(time.monotonic())

    def send(thread: int) -> None:
        for number, message in enumerate(lists[thread]):
            if rate is not None:
                due = sent.began + (number * THREADS + thread) / rate
                time.sleep(max(0.0, due - time.monotonic()))
            at = time.time()
            sent.at[stream.send(message).message_id] = at

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if len(sent.at) != count:
        raise RuntimeError(f"{len(sent.at)} of {count} messages were accepted")
    return sent


def _every(thread: int, count: int) -> Iterator[dict[str, Any]]:
    return (message for number, message in enumerate(messages(count)) if number % THREADS == thread)
