"""The producer's exceptions."""

from __future__ import annotations

from bsg_messages.errors import BSGCampaignsError, CampaignInvalid
from bsg_messages.rejects import RejectCode


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


class CampaignUnreadable(BSGCampaignsError):
    """The ledger's record of a closed campaign is damaged, or of a later release. `why` also says what to do.

    Other campaigns are not concerned. In lists, its state is `unreadable`.

    >>> print(CampaignUnreadable("3dP7", "its record is damaged: restore the key bsg:campaign:3dP7:record"))
    campaign 3dP7 cannot be read: its record is damaged: restore the key bsg:campaign:3dP7:record
    """

    def __init__(self, campaign_id: str, why: str) -> None:
        self.campaign_id = campaign_id
        self.why = why
        super().__init__(campaign_id, why)

    def __str__(self) -> str:
        return f"campaign {self.campaign_id} cannot be read: {self.why}"


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

    `message_id`: the key belongs to this message of a stream, which has other content.

    >>> first = producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!", idempotency_key="news-7")
    >>> try:
    ...     producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Bye!", idempotency_key="news-7")
    ... except IdempotencyConflict as conflict:
    ...     print(conflict.campaign_id == first.campaign_id)
    True
    """

    def __init__(self, idempotency_key: str, campaign_id: str, message_id: str | None = None) -> None:
        self.idempotency_key = idempotency_key
        self.campaign_id = campaign_id
        self.message_id = message_id
        super().__init__(idempotency_key, campaign_id, message_id)

    def __str__(self) -> str:
        owner = "what waits to be accepted"
        if self.message_id is not None:
            owner = f"message {self.message_id}"
        elif self.campaign_id:
            owner = f"campaign {self.campaign_id}"
        return f"the idempotency key belongs to {owner}, which has other content: use a new key for new content"


class MessageInvalid(BSGCampaignsError):
    """A message breaks a rule, and was not accepted. `field`, `code` and `message` are as of a `Reject`.

    >>> try:
    ...     producer.stream("codes", sender="MyShop").send({"phone": "12", "text": "Your code is 1234"})
    ... except MessageInvalid as invalid:
    ...     print(invalid.field, invalid.code.value)
    phone invalid_phone
    """

    def __init__(self, field: str, code: RejectCode, message: str) -> None:
        self.field = field
        self.code = code
        self.message = message
        super().__init__(field, code, message)

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class MessageNotFound(BSGCampaignsError):
    """The ledger knows no such message of a stream, or has forgotten it (`retention` names the setting).

    `message_id` is the id, or the idempotency key or reference id, that was asked for.

    >>> producer.message("order-1742")
    Traceback (most recent call last):
    bsg_producer.errors.MessageNotFound: there is no message order-1742: ...
    """

    def __init__(self, message_id: str, retention: str = "LEDGER_RETENTION") -> None:
        self.message_id = message_id
        self.retention = retention
        super().__init__(message_id, retention)

    def __str__(self) -> str:
        return f"there is no message {self.message_id}: check it; it is forgotten after {self.retention}"


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
    """The campaign, or the message, may be accepted or not. Try again with `idempotency_key`: that is safe.

    `idempotency_keys`: of each message of a commit of `send_many`, in their order.

    >>> print(EnqueueUnconfirmed("news-7"))
    Redis did not confirm that it was accepted. Try again with the same content and idempotency_key='news-7': ...
    """

    def __init__(self, *idempotency_keys: str) -> None:
        self.idempotency_key = idempotency_keys[0]
        self.idempotency_keys = idempotency_keys
        super().__init__(*idempotency_keys)

    def __str__(self) -> str:
        if len(self.idempotency_keys) > 1:
            return (
                f"Redis did not confirm that {len(self.idempotency_keys)} messages were accepted. Send them again with "
                "the same content and their `idempotency_keys`: each is accepted once, however often you try"
            )
        return (
            "Redis did not confirm that it was accepted. Try again with the same content and "
            f"idempotency_key={self.idempotency_key!r}: it is accepted once, however often you try"
        )
