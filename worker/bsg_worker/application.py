"""The Celery application: `celery -A bsg_worker worker` and `celery -A bsg_worker beat`."""

from __future__ import annotations

import os

from celery import Celery

from bsg_config.celery_configuration import celery_settings
from bsg_config.settings import Settings

# Celery lets these stand over its configuration. A web app's own broker must not become ours by sharing a shell.
FOREIGN_BROKERS = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND")

for name in FOREIGN_BROKERS:
    os.environ.pop(name, None)

app = Celery("bsg_worker", include=["bsg_worker.tasks"])
app.conf.update(celery_settings(Settings.from_environment()))
