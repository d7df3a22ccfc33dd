"""Log one line for each decision about a batch and its attempt; as JSON for programs."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_FIELDS = "subject"


def decided(logger: logging.Logger, outcome: str, *, seconds: float | None = None, **subject: object) -> None:
    """Log an outcome and its subject, such as campaign, batch and attempt: ids and counts, nothing of a message."""
    fields = {**subject, "outcome": outcome} | ({} if seconds is None else {"seconds": round(seconds, 3)})
    about = ", ".join(f"{name} {value}" for name, value in subject.items())
    took = "" if seconds is None else f" ({seconds:.2f} s)"
    logger.info("%s: %s%s", about, outcome, took, extra=concerns(**fields))


def concerns(**subject: object) -> Mapping[str, object]:
    """Return `extra` of a logging call that has the subject: ids and counts, nothing of a message."""
    return {_FIELDS: subject}


def subject_of(record: logging.LogRecord) -> Mapping[str, object]:
    """Return the subject of a record, such as campaign, batch and attempt; empty if it has none."""
    subject: Mapping[str, object] = getattr(record, _FIELDS, {})
    return subject


def use_format(name: str) -> None:
    """From now on, write standard error's log lines as JSON, or as Celery formats them.

    `auto` is JSON unless standard error is a terminal.
    """
    if name == "json" or (name == "auto" and not sys.stderr.isatty()):
        for handler in _handlers():
            handler.setFormatter(JSONLines())


def _handlers() -> list[logging.Handler]:
    return [*logging.getLogger().handlers, *logging.getLogger("celery.task").handlers]


class JSONLines(logging.Formatter):
    """Format a record as one line of JSON: time, level, logger, message, and the fields of a decision."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **subject_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
