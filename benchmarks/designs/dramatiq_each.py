from __future__ import annotations

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.designs.sending import send
from benchmarks.messages import rows

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor
def send_message(message: dict[str, Any]) -> None:
    send([message])


def publish(count: int) -> None:
    for message in rows(count):
        send_message.send(message)
