"""The project's streams as a publisher, for what is measured of publishing alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from benchmarks.messages import SENDER
from bsg_config.settings import Settings
from bsg_producer import Producer

stream = Producer(Settings.build(redis_url=os.environ["REDIS_URL"])).stream("orders", sender=SENDER)


def publish(messages: Iterable[dict[str, Any]]) -> None:
    for message in messages:
        stream.send(message)
