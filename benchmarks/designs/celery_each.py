from __future__ import annotations

from typing import Any

from benchmarks.designs.celery_settings import application
from benchmarks.designs.sending import send
from benchmarks.messages import rows

app = application(__name__)


@app.task
def send_message(message: dict[str, Any]) -> None:
    send([message])


def publish(count: int) -> None:
    with app.producer_pool.acquire(block=True) as producer:
        for message in rows(count):
            send_message.apply_async((message,), producer=producer)
