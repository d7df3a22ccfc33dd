"""Ask BSG on behalf of the producer's callers.

An app that only enqueues needs neither BSG's client nor `requests`, so both are imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec

from bsg_config.account import Account
from bsg_config.settings import Settings
from bsg_producer.preview import Counts, Preview, Price
from bsg_producer.reporting import MessageReport
from bsg_producer.streams.message_status import MessageStatus

_REMEDY = "which needs requests: pip install 'bsg-campaigns[worker]'"


def read_report(settings: Settings, campaign_id: str) -> Iterator[MessageReport]:
    """Ask BSG, under the account's limit of status requests. Raise as `Producer.report` does."""
    with _needing_requests("a report"):
        from bsg_producer.reports import report
    return report(settings, campaign_id)


def with_report(settings: Settings, status: MessageStatus) -> MessageStatus:
    """Return the status with BSG's record of the message. Raise as `Producer.report` does."""
    with _needing_requests("a report"):
        from bsg_producer.message_report import report_message
    return replace(status, report=report_message(settings, status))


def ask_about(counts: Counts, settings: Settings, account: Account, *, price: bool) -> Preview:
    """Return the preview with the price, if requested, and with warnings about senders, if a key is set here.

    Raise ReportUnavailable when BSG does not report the price, and ModuleNotFoundError without the extra `worker`.
    """
    quoted: Price | None = None
    warnings: list[str] = []
    if price:
        with _needing_requests("a price"):
            from bsg_producer.quoting import quote
        quoted = quote(settings, account, counts.price_groups)
    if account.bsg_api_key is not None and find_spec("requests") is not None:
        from bsg_producer.quoting import sender_warnings

        warnings = sender_warnings(settings, account, counts.senders)
    return counts.preview(account, warnings, quoted)


@contextmanager
def _needing_requests(what: str) -> Iterator[None]:
    """Raise ModuleNotFoundError, with the remedy, if the extra is not installed."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(f"{what} is read from BSG, {_REMEDY}", name=missing.name) from None
