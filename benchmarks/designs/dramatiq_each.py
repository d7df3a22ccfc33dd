from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.designs.sending import send

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor
def send_message(reference_id: str, message: dict[str, Any]) -> None:
    send([message], [reference_id])


def publish(messages: Iterable[dict[str, Any]]) -> None:
    for message in messages:
        send_message.send(uuid4().hex, message)
