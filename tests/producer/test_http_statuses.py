from __future__ import annotations

import pytest

from bsg_messages.errors import BSGCampaignsError
from bsg_messages.rejects import RejectCode
from bsg_producer import CampaignInvalid, EnqueueUnconfirmed, FileInvalid, MessageInvalid, QueueNotDurable
from bsg_producer.http_statuses import http_status, log_failure

PHONE = "380661231231"


def test_an_exception_has_the_status_of_its_base() -> None:
    assert http_status(FileInvalid("people.csv, line 1: not CSV")) == 422


def test_an_exception_of_an_app_is_a_failure_of_the_app() -> None:
    class NoCredit(BSGCampaignsError):
        """Something of the app."""

    assert http_status(NoCredit()) == 500


def test_what_an_operator_must_mend_is_logged_with_its_remedy(caplog: pytest.LogCaptureFixture) -> None:
    log_failure(QueueNotDurable("set `appendonly yes`"))

    assert [record.getMessage() for record in caplog.records] == ["QueueNotDurable: set `appendonly yes`"]


@pytest.mark.parametrize(
    "error",
    [
        EnqueueUnconfirmed(PHONE),
        CampaignInvalid({"sender": [PHONE]}),
        MessageInvalid("phone", RejectCode.INVALID_PHONE, PHONE),
    ],
)
def test_nothing_that_a_visitor_typed_is_logged(error: BSGCampaignsError, caplog: pytest.LogCaptureFixture) -> None:
    log_failure(error)

    assert PHONE not in caplog.text
