"""The producer's exceptions."""

from __future__ import annotations

from bsg_messages.errors import BSGCampaignsError, CampaignInvalid


class FileInvalid(CampaignInvalid):
    """A file cannot be read as messages. The text names file, line and remedy.

    `option`: the field of `bsg_producer.files.Reading` with which the file can be read as it is, if there is one.

    >>> MessageFile(io.BytesIO(b"telephone,text"), name="people.csv")
    Traceback (most recent call last):
    bsg_producer.errors.FileInvalid: people.csv, line 1: ...
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
    """The ledger knows no such campaign, or has forgotten it (LEDGER_RETENTION).

    >>> try:
    ...     producer.status("unknown")
    ... except CampaignNotFound as error:
    ...     print(error.campaign_id)
    unknown
    """

    def __init__(self, campaign_id: str) -> None:
        self.campaign_id = campaign_id
        super().__init__(campaign_id)

    def __str__(self) -> str:
        return f"there is no campaign {self.campaign_id}: check its id; it is forgotten after LEDGER_RETENTION"


class FeedGap(BSGCampaignsError):
    """The entries after the position are gone: the feed has dropped them, or Redis came back with an older copy.

    >>> try:
    ...     list(producer.events(since="1-1.999"))
    ... except FeedGap as gap:
    ...     print(gap.remedy)
    take `latest_event()`, read the status of the campaigns anew, and go on from there
    """

    def __init__(self, since: str, remedy: str) -> None:
        self.since = since
        self.remedy = remedy
        super().__init__(since, remedy)

    def __str__(self) -> str:
        return f"what follows {self.since} is no longer kept: {self.remedy}"


class IdempotencyConflict(BSGCampaignsError):
    """The idempotency key belongs to a campaign with other messages, text, sender or account.

    >>> first = producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!", idempotency_key="news-7")
    >>> try:
    ...     producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Bye!", idempotency_key="news-7")
    ... except IdempotencyConflict as conflict:
    ...     print(conflict.campaign_id == first.campaign_id)
    True
    """

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
    """BSG did not report the messages' status. Trying again is safe.

    >>> sandbox.fault("server_error_before", method="GET", path="/api/messages")
    1
    >>> list(producer.report(campaign_id))
    Traceback (most recent call last):
    bsg_producer.errors.ReportUnavailable: ...
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class QueueUnavailable(BSGCampaignsError):
    """Redis did not execute the request, and the campaign does not exist. Trying again is safe.

    >>> nowhere = Producer(Settings.build(redis_url="redis://127.0.0.1:1"))
    >>> nowhere.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")
    Traceback (most recent call last):
    bsg_producer.errors.QueueUnavailable: Redis cannot be reached: ...
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class QueueNotDurable(BSGCampaignsError):
    """Redis cannot prove that it keeps what it acknowledges. Nothing was accepted.

    >>> QueueNotDurable("Redis does not write to its disk: set appendonly to yes").remedy
    'Redis does not write to its disk: set appendonly to yes'
    """

    def __init__(self, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(remedy)


class EnqueueUnconfirmed(BSGCampaignsError):
    """The campaign may exist or not. Enqueue the same content again with `idempotency_key`: that is safe.

    >>> print(EnqueueUnconfirmed("news-7"))
    Redis did not confirm the campaign. Enqueue the same content again with idempotency_key='news-7': ...
    """

    def __init__(self, idempotency_key: str) -> None:
        self.idempotency_key = idempotency_key
        super().__init__(idempotency_key)

    def __str__(self) -> str:
        return (
            "Redis did not confirm the campaign. Enqueue the same content again with "
            f"idempotency_key={self.idempotency_key!r}: it is accepted once, however often you try"
        )
