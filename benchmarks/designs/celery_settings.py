from __future__ import annotations

import os

from celery import Celery


def application(name: str) -> Celery:
    app = Celery(name, broker=os.environ["REDIS_URL"])
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
    )
    return app
