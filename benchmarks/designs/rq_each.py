from __future__ import annotations

import os
from typing import Any

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from benchmarks.designs.sending import send
from benchmarks.messages import chunks

queue = Queue(connection=redis.Redis.from_url(os.environ["REDIS_URL"]), serializer=JSONSerializer)

JOBS_AT_ONCE = 1_000


def send_message(message: dict[str, Any]) -> None:
    send([message])


def publish(count: int) -> None:
    for chunk in chunks(count, JOBS_AT_ONCE):
        queue.enqueue_many(
            [Queue.prepare_data(send_message, (message,), result_ttl=0, description="") for message in chunk]
        )
