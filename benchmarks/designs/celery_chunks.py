from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from benchmarks.designs.celery_settings import application
from benchmarks.designs.sending import send
from benchmarks.messages import MESSAGES_A_BATCH, chunks

app = application(__name__)


@app.task
def send_chunk(chunk_id: str, messages: list[dict[str, Any]]) -> None:
    send(messages, [f"{chunk_id[:24]}{index}" for index in range(len(messages))])


def publish(messages: Iterable[dict[str, Any]]) -> None:
    with app.producer_pool.acquire(block=True) as producer:
        for chunk in chunks(messages, MESSAGES_A_BATCH):
            send_chunk.apply_async((uuid4().hex, chunk), producer=producer)
