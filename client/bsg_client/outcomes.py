"""The outcomes of requests to BSG. The kind of an outcome alone decides what happens next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bsg_client.responses import CampaignResponse
from bsg_messages.rejects import Violation


class OutcomeKind(StrEnum):
    """The kind of outcome of a request to create a campaign."""

    TAKEN = "taken"
    """BSG has made the campaign and named it."""
    NOT_TAKEN = "not_taken"
    """Nothing was made, and nothing is wrong with the request: try again later."""
    THROTTLED = "throttled"
    """Nothing was made, because the account asks too often."""
    REFUSED = "refused"
    """Nothing was made, and this request will never be accepted."""
    ROWS_REFUSED = "rows_refused"
    """Nothing was made, because of some messages, which BSG names."""
    IN_DOUBT = "in_doubt"
    """It may or may not have been made."""
    ACCOUNT_CLOSED = "account_closed"
    """Nothing was made, and nothing will be until something about the account changes."""


class AccountReason(StrEnum):
    """Why BSG refuses all requests of the account."""

    BAD_KEY = "bad_key"
    BLOCKED = "blocked"
    NO_FUNDS = "no_funds"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one request to create a campaign.

    `cause` is a few words for logs and people, without personal data; no decision depends on it. `retry_after` is how
    many seconds BSG asks to wait, None if it does not say. `violations` are those that BSG names, by the message's
    index in the array that was sent. `reference_ids_taken` explains a doubt: BSG refused because of reference ids that
    it knows, those of `violations` if it names them. `duplicate_notice` explains a doubt: BSG reports that this body
    arrived before, in this attempt or in an earlier one. `bsg_asked` is False if no request was made, for a reason of
    our own.
    """

    kind: OutcomeKind
    cause: str
    campaign: CampaignResponse | None = None
    retry_after: float | None = None
    violations: Mapping[int, Violation] = field(default_factory=dict)
    account_reason: AccountReason | None = None
    reference_ids_taken: bool = False
    duplicate_notice: bool = False
    bsg_asked: bool = True

    @property
    def throttles(self) -> bool:
        """Return whether the account has to cool down."""
        asked_to_wait = self.duplicate_notice and self.retry_after is not None
        return self.kind is OutcomeKind.THROTTLED or asked_to_wait


class ReadFailed(Exception):
    """A request that is safe to repeat got no usable response.

    `cause` is a few words for logs and people. `status` is the HTTP status, None if no response came. `throttled` and
    `retry_after` (seconds) require a cool-down. `account_reason` is why the account is closed.
    """

    def __init__(
        self,
        cause: str,
        throttled: bool = False,
        retry_after: float | None = None,
        account_reason: AccountReason | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.throttled = throttled
        self.retry_after = retry_after
        self.account_reason = account_reason
        self.status = status
