"""Where `celery -A bsg_worker` looks."""

from bsg_worker.application import app

__all__ = ["app"]
