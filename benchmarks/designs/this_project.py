"""The project itself as a publisher, for what is measured of publishing alone."""

from __future__ import annotations

import os

from benchmarks.messages import SENDER, messages
from bsg_config.settings import Settings
from bsg_producer import Producer

producer = Producer(Settings.build(redis_url=os.environ["REDIS_URL"]))


def publish(count: int) -> None:
    producer.enqueue(messages(count), sender=SENDER)
