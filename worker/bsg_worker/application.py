"""The Celery application: `celery -A bsg_worker worker` and `celery -A bsg_worker beat`."""

from __future__ import annotations

from celery import Celery

from bsg_config.celery_configuration import celery_settings
from bsg_config.settings import Settings

app = Celery("bsg_worker", include=["bsg_worker.tasks"])
app.conf.update(celery_settings(Settings.from_environment()))
