"""The producer's exceptions."""

from __future__ import annotations

from bsg_messages.errors import BSGCampaignsError, CampaignInvalid


class FileInvalid(CampaignInvalid):
    """A file cannot be read as messages. The text names file, line and remedy.

    `option`: the field of `bsg_producer.files.Reading` with which the file can be read as it is, if there is one.
    """

    def __init__(self, message: str, option: str | None = None) -> None:
        self.message = message
        self.option = option
        super().__init__({"messages": [message]})

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[type[FileInvalid], tuple[str, str | None]]:  # type: ignore[override]
        return FileInvalid, (self.message, self.option)


class CampaignNotFound(BSGCampaignsError):
    """The ledger knows no such campaign, or has forgotten it (LEDGER_RETENTION)."""

    def __init__(self, campaign_id: str) -> None:
        self.campaign_id = campaign_id
        super().__init__(campaign_id)

    def __str__(self) -> str:
        return f"there is no campaign {self.campaign_id}: check its id; it is forgotten after LEDGER_RETENTION"


class FeedGap(BSGCampaignsError):
    """The entries after the position are gone: the feed has dropped them, or Redis came back with an older copy."""

    def __init__(self, since: str, remedy: str) -> None:
        self.since = since
        self.remedy = remedy
        super().__init__(since, remedy)

    def __str__(self) -> str:
        return f"what follows {self.since} is no longer kept: {self.remedy}"


class IdempotencyConflict(BSGCampaignsError):
    """The idempotency key belongs to a campaign with other messages, text, sender or account."""

    def __init__(self, idempotency_key: str, campaign_id: str) -> None:
        self.idempotency_key = idempotency_key
        self.campaign_id = campaign_id
        super().__init__(idempotency_key, campaign_id)

    def __str__(self) -> str:
        return (
            f"the idempotency key belongs to campaign {self.campaign_id}, which has other content: "
            "use a new key for new content"
        )


class ReportUnavailable(BSGCampaignsError):
    """BSG did not report the messages' status. Trying again is safe."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class QueueUnavailable(BSGCampaignsError):
    """Redis did not execute the request, and the campaign does not exist. Trying again is safe."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class QueueNotDurable(BSGCampaignsError):
    """Redis cannot prove that it keeps what it acknowledges. Nothing was accepted."""

    def __init__(self, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(remedy)


class EnqueueUnconfirmed(BSGCampaignsError):
    """The campaign may exist or not. Enqueue the same content again with `idempotency_key`: that is safe."""

    def __init__(self, idempotency_key: str) -> None:
        self.idempotency_key = idempotency_key
        super().__init__(idempotency_key)

    def __str__(self) -> str:
        return (
            "Redis did not confirm the campaign. Enqueue the same content again with "
            f"idempotency_key={self.idempotency_key!r}: it is accepted once, however often you try"
        )
