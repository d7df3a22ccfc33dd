"""The HTTP status with which a web app responds to an exception of the producer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from bsg_messages.errors import BSGCampaignsError, CampaignInvalid
from bsg_producer.errors import (
    CampaignNotFound,
    CampaignUnreadable,
    EnqueueUnconfirmed,
    FeedGap,
    IdempotencyConflict,
    MessageInvalid,
    MessageNotFound,
    QueueNotDurable,
    QueueUnavailable,
    ReportUnavailable,
)

_log = logging.getLogger(__name__)

_STATUSES: Mapping[type[BSGCampaignsError], HTTPStatus] = {
    CampaignInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    MessageInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    CampaignNotFound: HTTPStatus.NOT_FOUND,
    MessageNotFound: HTTPStatus.NOT_FOUND,
    IdempotencyConflict: HTTPStatus.CONFLICT,
    FeedGap: HTTPStatus.GONE,
    CampaignUnreadable: HTTPStatus.INTERNAL_SERVER_ERROR,
    QueueUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    QueueNotDurable: HTTPStatus.SERVICE_UNAVAILABLE,
    EnqueueUnconfirmed: HTTPStatus.SERVICE_UNAVAILABLE,
    ReportUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def http_status(error: BSGCampaignsError) -> HTTPStatus:
    """Return the status. The texts of these exceptions are for the visitor too: they say what to do.

    >>> http_status(CampaignNotFound("news-7"))
    <HTTPStatus.NOT_FOUND: 404>
    """
    found = (status for kind, status in _STATUSES.items() if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def log_failure(error: BSGCampaignsError) -> None:
    """Log an exception that an operator must know of, as the visitor cannot correct anything.

    >>> log_failure(QueueUnavailable("Redis cannot be reached"))  # is logged as an error
    >>> log_failure(CampaignNotFound("news-7"))  # is not logged
    """
    if http_status(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # An idempotency key, which the app chooses, may be a phone.
        text = "send or enqueue was not confirmed" if isinstance(error, EnqueueUnconfirmed) else str(error)
        _log.error("%s: %s", type(error).__name__, text)
