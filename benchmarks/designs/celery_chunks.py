from __future__ import annotations

from typing import Any

from benchmarks.designs.celery_settings import application
from benchmarks.designs.sending import send
from benchmarks.messages import MESSAGES_A_BATCH, chunks

app = application(__name__)


@app.task
def send_chunk(messages: list[dict[str, Any]]) -> None:
    send(messages)


def publish(count: int) -> None:
    with app.producer_pool.acquire(block=True) as producer:
        for chunk in chunks(count, MESSAGES_A_BATCH):
            send_chunk.apply_async((chunk,), producer=producer)
