"""The workers' application with two failures that nobody foresaw and that quote messages; for `celery -A`."""

from __future__ import annotations

from typing import Any

from bsg_messages.columns import Chunk
from bsg_worker.celery import app
from bsg_worker.prepare import prepare
from bsg_worker.submit import record_post

__all__ = ["app"]

_prepare = getattr(prepare, "prepare")  # noqa: B009 - not exported, so not for mypy to see
_UNPREPARABLE = 3


def failing_preparation(chunk: Chunk, *arguments: Any, **named: Any) -> Any:
    if chunk.phones is not None and len(chunk.phones) == _UNPREPARABLE:
        raise ValueError(f"cannot render {chunk.fields} for {chunk.phones}")
    return _prepare(chunk, *arguments, **named)


def failing_record(runtime: Any, send: Any, outcome: Any, body: bytes, *_: Any, **__: Any) -> None:
    rows = body.decode()  # a local variable that must not be reported
    raise LookupError(f"cannot record {rows}")


setattr(prepare, "prepare", failing_preparation)  # noqa: B010
setattr(record_post, "record", failing_record)  # noqa: B010
