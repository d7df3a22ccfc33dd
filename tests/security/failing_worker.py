"""The workers' application, with failures in it that quote what they were about; for `celery -A`."""

from __future__ import annotations

from typing import Any

from bsg_messages.bodies import unpacked
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.columns import Chunk
from bsg_worker.celery import app
from bsg_worker.prepare import prepare
from bsg_worker.submit import post

__all__ = ["app"]


def failing_preparation(chunk: Chunk, *_: Any, **__: Any) -> None:
    raise ValueError(f"cannot render {chunk.fields} for {chunk.phones}")


def failing_submission(body: bytes, campaign_id: str, cipher: BodyCipher) -> bytes:
    try:
        return (unpacked(body, campaign_id, cipher).decode() + "\ud800").encode()
    except UnicodeEncodeError as error:
        raise RuntimeError(f"cannot send {error.object}") from error


setattr(prepare, "prepare", failing_preparation)  # noqa: B010 - not exported, so not for mypy to see
setattr(post, "unpacked", failing_submission)  # noqa: B010
