"""A task that is published by `delay`, as nearly every web app does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks.designs.celery_settings import application

app = application(__name__)
app.conf.broker_pool_limit = 16  # as many as there are threads: with the default of 10 some of them would wait


@app.task
def send_message(message: dict[str, Any]) -> None: ...


def publish(messages: Iterable[dict[str, Any]]) -> None:
    for message in messages:
        send_message.delay(message)
