from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import redis
from rq import Queue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

from benchmarks.designs.sending import send
from benchmarks.messages import chunks

queue = Queue(connection=redis.Redis.from_url(os.environ["REDIS_URL"]), serializer=JSONSerializer)

JOBS_AT_ONCE = 1_000


def send_message(reference_id: str, message: dict[str, Any]) -> None:
    send([message], [reference_id])


def publish(messages: Iterable[dict[str, Any]]) -> None:
    for chunk in chunks(messages, JOBS_AT_ONCE):
        queue.enqueue_many(map(_job, chunk))


def _job(message: dict[str, Any]) -> EnqueueData:
    return Queue.prepare_data(send_message, (uuid4().hex, message), result_ttl=0, description="")
