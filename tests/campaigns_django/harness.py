"""A project whose follower and whose worker do one thing after the other, as the test says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.dispatch import Signal

from bsg_campaigns_django.configuration import producer
from bsg_ledger.due_indexes import DueIndex
from bsg_worker.poll.poll import poll
from tests.worker.harness import WorkerHarness

SHOP: dict[str, Any] = {"sender": "MyShop", "text": "Order {{ order }} is on its way"}
PHONE = 380_660_000_000


def order(number: int, **fields: Any) -> dict[str, Any]:
    """Return a message about an order, to a phone of its own."""
    return {"phone": PHONE + number, "order": number, **fields}


class Project:
    def __init__(self, harness: WorkerHarness) -> None:
        self.harness = harness
        self.sandbox = harness.sandbox

    @property
    def producer(self) -> Any:
        return producer()

    def follow(self) -> None:
        """Run the follower until nothing is left to do."""
        call_command("bsg_follow", "--once")

    def work(self) -> None:
        """Submit what waits, and have it delivered and polled."""
        self.harness.dispatch()
        self.sandbox.advance(60)
        self.harness.make_due(DueIndex.LIVE)
        poll(self.harness.runtime)

    def arrived(self) -> dict[str, int]:
        """Return how often each reference id has arrived at the sandbox."""
        return {name: len(found) for name, found in self.sandbox.record().by_reference.items()}


@contextmanager
def receiving(signal: Signal, receive: Any) -> Iterator[None]:
    signal.connect(receive, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receive)
