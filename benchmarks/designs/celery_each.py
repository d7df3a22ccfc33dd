from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from benchmarks.designs.celery_settings import application
from benchmarks.designs.sending import send

app = application(__name__)


@app.task
def send_message(reference_id: str, message: dict[str, Any]) -> None:
    send([message], [reference_id])


def publish(messages: Iterable[dict[str, Any]]) -> None:
    with app.producer_pool.acquire(block=True) as producer:
        for message in messages:
            send_message.apply_async((uuid4().hex, message), producer=producer)
