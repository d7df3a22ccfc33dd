"""Report failures of tasks, and that beat runs, to Sentry, if SENTRY_DSN is set and the extra `sentry` is installed.

What is reported has ids, counts and outcomes, as the log has, and no phone, text or key.
"""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from celery.signals import after_task_publish

from bsg_config import clock
from bsg_worker.failures import TaskFailed
from bsg_worker.logs import subject_of

if TYPE_CHECKING:
    from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint, MonitorConfig

logger = logging.getLogger(__name__)

BEAT_MONITOR = "bsg-beat"
SECONDS_BETWEEN_CHECK_INS = 60.0  # Sentry knows no shorter interval
_MINUTES_OF_DELAY = 2


def is_reporting() -> bool:
    """Return whether this process shall report to Sentry, and can."""
    return bool(os.environ.get("SENTRY_DSN")) and find_spec("sentry_sdk") is not None


def begin_reporting() -> None:
    """From now on, report to Sentry if SENTRY_DSN is set. Warn if the extra `sentry` is missing then.

    Sentry's own variables, such as SENTRY_ENVIRONMENT, configure the rest.
    """
    if not is_reporting():
        if os.environ.get("SENTRY_DSN"):
            logger.warning("SENTRY_DSN is set, but nothing is reported to Sentry: install the extra `sentry`.")
        return
    import sentry_sdk
    from sentry_sdk.integrations.celery import CeleryIntegration

    sentry_sdk.init(
        integrations=[CeleryIntegration()],
        auto_enabling_integrations=False,  # they record commands to Redis and requests to BSG
        include_local_variables=False,  # they may hold messages
        send_default_pii=False,
        max_request_body_size="never",
        before_send=_with_subject,
        before_breadcrumb=_of_log,
    )


def begin_check_ins() -> None:
    """From now on, report once a minute that this process publishes ticks. Sentry alarms when the reports cease."""
    from sentry_sdk.crons import capture_checkin

    monitor: MonitorConfig = {
        "schedule": {"type": "interval", "value": 1, "unit": "minute"},
        "checkin_margin": _MINUTES_OF_DELAY,
        "max_runtime": 1,
    }
    next_at = float("-inf")

    def check_in(**_: object) -> None:
        nonlocal next_at
        if clock.monotonic() >= next_at:
            next_at = clock.monotonic() + SECONDS_BETWEEN_CHECK_INS
            capture_checkin(BEAT_MONITOR, status="ok", monitor_config=monitor)

    after_task_publish.connect(check_in, weak=False)


def _with_subject(event: Event, hint: Hint) -> Event:
    """Add the campaign, batch and attempt as tags, and group failures by the exception and its location."""
    subject = subject_of(hint["log_record"]) if "log_record" in hint else {}
    _, error, _ = hint.get("exc_info") or (None, None, None)
    if isinstance(error, TaskFailed):
        subject = error.subject
        event["fingerprint"] = [error.failure]
    event.setdefault("tags", {}).update({name: str(value) for name, value in subject.items()})
    return event


def _of_log(breadcrumb: Breadcrumb, hint: BreadcrumbHint) -> Breadcrumb | None:
    """Keep what was logged. Other breadcrumbs have the URLs of requests."""
    return breadcrumb if "log_record" in hint else None
