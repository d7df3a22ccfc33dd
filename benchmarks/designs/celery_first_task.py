"""A bare Celery worker, whose task says when it ran first: seconds on the monotonic clock, in the file FIRST_TASK."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.designs.celery_settings import application

app = application(__name__)


@app.task
def note_start() -> None:
    began = time.monotonic()
    path = Path(os.environ["FIRST_TASK"])
    path.with_suffix(".new").write_text(f"{began!r}")
    path.with_suffix(".new").rename(path)


def publish(messages: Iterable[object]) -> None:
    for _ in messages:
        note_start.delay()
