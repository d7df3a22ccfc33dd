"""What can come of asking BSG for something: a few kinds, and the kind alone decides what is done next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bsg_client.responses import CampaignResponse
from bsg_messages.rejects import Violation


class OutcomeKind(StrEnum):
    """What a request to create a campaign came to."""

    TAKEN = "taken"
    """BSG has made the campaign and named it."""
    NOT_TAKEN = "not_taken"
    """Nothing was made, surely, and nothing is wrong with the request: try again later."""
    THROTTLED = "throttled"
    """Nothing was made, because the account asks too often."""
    REFUSED = "refused"
    """Nothing was made, and this request will never be accepted."""
    ROWS_REFUSED = "rows_refused"
    """Nothing was made, because of some messages, which are named."""
    IN_DOUBT = "in_doubt"
    """It may or may not have been made."""
    ACCOUNT_CLOSED = "account_closed"
    """Nothing was made, and nothing will be until something about the account changes."""


class AccountReason(StrEnum):
    """Why BSG does nothing for the account."""

    BAD_KEY = "bad_key"
    BLOCKED = "blocked"
    NO_FUNDS = "no_funds"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request to create a campaign came to.

    `cause` is a few words for logs and people, without personal data; nothing is decided by it. `retry_after`
    is how many seconds BSG asks to wait, None when it does not say. `violations` are those that BSG names, by the
    message's index in the array that was sent. `reference_ids_taken` explains a doubt: BSG said no because of
    reference ids that it knows, those of `violations` where it names them. `duplicate_notice` explains
    one too: BSG says that this body has arrived before, in this attempt or in an earlier one.
    `bsg_asked` is False where nothing was taken because no request was made, for a reason of our own.
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
        """Whether the account has to cool down."""
        asked_to_wait = self.duplicate_notice and self.retry_after is not None
        return self.kind is OutcomeKind.THROTTLED or asked_to_wait


class ReadFailed(Exception):
    """A request that changes nothing, or may be repeated freely, got no usable response.

    `cause` is a few words for logs and people. `status` is the HTTP status, None when no response came.
    `throttled` and `retry_after` (seconds) ask for a cool-down, `account_reason` says that the account is closed.
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
