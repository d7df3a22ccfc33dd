"""The Celery application: `celery -A bsg_worker worker` and `celery -A bsg_worker beat`."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_process_init, worker_ready

from bsg_config.celery_configuration import celery_settings
from bsg_config.settings import Settings

# Celery lets these stand over its configuration. A web app's own broker must not become ours by sharing a shell.
FOREIGN_BROKERS = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND")

for name in FOREIGN_BROKERS:
    os.environ.pop(name, None)

app = Celery("bsg_worker", include=["bsg_worker.tasks"])
app.conf.update(celery_settings(Settings.from_environment()))


def _begin_watch(**_: object) -> None:
    # Imported when a worker has begun: Flower and beat load this module too, and hold no runtime.
    from bsg_worker.watch import begin_watch

    begin_watch()


for begun in (worker_ready, worker_process_init):  # the latter in each process of a prefork pool
    begun.connect(_begin_watch)
