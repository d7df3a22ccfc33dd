"""Where `celery -A bsg_monitor flower` looks: the workers' own application, with Flower's options set."""

from bsg_monitor.flower_options import apply_safe_options
from bsg_worker.application import app

apply_safe_options()

__all__ = ["app"]
