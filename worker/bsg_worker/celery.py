"""The module that `celery -A bsg_worker` loads. Importing the tasks registers them."""

from bsg_worker import tasks
from bsg_worker.application import app

__all__ = ["app", "tasks"]
