"""Log idle passes at DEBUG: several a second would hide everything else."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bsg_broker.queues import DISPATCH, INDEX, POLL, PURGE, RECONCILE, SWEEP

PASSES = frozenset({DISPATCH, POLL, RECONCILE, SWEEP, PURGE, INDEX})
NO_OUTCOME = repr("")


def log_idle_passes_at_debug() -> None:
    """Log Celery's messages about idle passes at DEBUG: that one is due, was received, and did nothing."""
    for name, demoted in (
        ("celery.beat", _is_due),
        ("celery.worker.strategy", _is_received),
        ("celery.app.trace", _did_nothing),
    ):
        logger = logging.getLogger(name)
        if not any(isinstance(each, _Demotion) for each in logger.filters):
            logger.addFilter(_Demotion(logger, demoted))


class _Demotion(logging.Filter):
    def __init__(self, logger: logging.Logger, demoted: Callable[[logging.LogRecord], bool]) -> None:
        super().__init__()
        self._logger = logger
        self._demoted = demoted

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.INFO or not self._demoted(record):
            return True
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return self._logger.isEnabledFor(logging.DEBUG)


def _is_due(record: logging.LogRecord) -> bool:
    return isinstance(record.args, tuple) and not PASSES.isdisjoint(record.args)


def _is_received(record: logging.LogRecord) -> bool:
    return isinstance(record.args, dict) and record.args.get("name") in PASSES


def _did_nothing(record: logging.LogRecord) -> bool:
    return _is_received(record) and record.args["return_value"] == NO_OUTCOME  # type: ignore[index,call-overload]
