"""Campaigns and messages as the follower read them last, how far it has read, and what it has still to carry over."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Unpack

from django.db import models

from bsg_campaigns_django.configuration import producer, settings
from bsg_campaigns_django.outgoing_content import Content, checked_campaign, checked_message
from bsg_messages.body_cipher import BodyCipher
from bsg_producer.campaign_arguments import EnqueueOptions
from bsg_producer.typed_messages import MessageLike


class Campaign(models.Model):
    """A campaign as the follower read it last. `counts` has the messages by state, as in `Producer.status`."""

    campaign_id = models.CharField("id", max_length=32, primary_key=True)
    name = models.CharField(max_length=200, blank=True)
    account_name = models.CharField("account", max_length=64)
    state = models.CharField(max_length=20, db_index=True)
    paused = models.BooleanField(default=False)
    messages = models.PositiveIntegerField()
    counts = models.JSONField(default=dict)
    accepted_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-accepted_at"]

    def __str__(self) -> str:
        return self.name or self.campaign_id


class Message(models.Model):
    """A message that was carried over for a stream, or of which BSG has pushed a delivery report.

    `state` is that of its batch, or "rejected"; it is empty for a message of a campaign that is no stream's.
    `report` and what follows is as BSG pushed it last.
    """

    message_id = models.CharField("id", max_length=40, primary_key=True)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    index = models.PositiveBigIntegerField()
    state = models.CharField(max_length=20, blank=True, db_index=True)
    reject_code = models.CharField(max_length=40, blank=True)
    report = models.CharField(max_length=32, blank=True)
    price = models.CharField(max_length=24, blank=True)
    currency = models.CharField(max_length=32, blank=True)
    sent_at = models.CharField(max_length=40, blank=True)
    delivered_at = models.CharField(max_length=40, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["campaign", "index"], name="bsg_message_in_campaign")]

    def __str__(self) -> str:
        return self.message_id


class FeedPosition(models.Model):
    """How far a feed has been followed. It is saved in the transaction of what was read."""

    feed = models.CharField(max_length=20, primary_key=True)
    position = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.feed}: {self.position}"


class OutgoingState(StrEnum):
    """`in doubt`: it may have been accepted, and its key is not known any more. An operator decides."""

    WAITING = "waiting"
    CARRIED = "carried over"
    REFUSED = "refused"
    EXPIRED = "expired"
    IN_DOUBT = "in doubt"


_STATES = [(state.value, state.value) for state in OutgoingState]
KEY_PREFIX = "outgoing-"


def new_key() -> str:
    return f"{KEY_PREFIX}{secrets.token_hex(16)}"


class OutgoingQuerySet(models.QuerySet):
    """Adds rows. They belong to the transaction that is open: if it is rolled back, they were never there."""

    def add_message(self, stream: str, message: MessageLike, **options: Any) -> Outgoing:
        """Write a message for a stream. The follower sends it exactly once, after the transaction is committed.

        `message` and `options` are as in `Producer.stream` and `Stream.send`. The row keeps the options, so that it is
        sent as it was written whatever the code becomes meanwhile. It expires if it could not be carried over within
        the stream's `deadline`.

        Raise `MessageInvalid` or `CampaignInvalid`, and write nothing, if the message or an option breaks a rule.
        """
        return self._add(stream, checked_message(producer(), stream, message, options))

    def add_campaign(self, messages: Iterable[MessageLike], **options: Unpack[EnqueueOptions]) -> Outgoing:
        """Write a campaign. The follower enqueues it exactly once, after the transaction is committed.

        `messages` and `options` are as in `Producer.enqueue`. All messages are held in memory, and in one row. A
        `deadline` counts from now.

        Raise `CampaignInvalid`, and write nothing, if an option breaks a rule, if there is no message, or if one has a
        value that JSON does not have. A message that breaks another rule becomes a reject of the campaign.
        """
        return self._add("", checked_campaign(settings(), messages, options))

    def _add(self, stream: str, content: Content) -> Outgoing:
        row: Outgoing = self.create(stream=stream, content=content.to_bytes(BodyCipher(settings().body_key)))
        return row


class Outgoing(models.Model):
    """A message or a campaign that is written in a transaction of yours, and carried over once that is committed.

    `key` is its idempotency key: however often the follower dies and tries again, it is accepted once. `content` is
    encrypted if BODY_KEY is set, and empty once it has been carried over.
    """

    key = models.CharField(max_length=200, default=new_key, editable=False)
    stream = models.CharField(max_length=64, blank=True)
    content = models.BinaryField()
    state = models.CharField(max_length=20, choices=_STATES, default=OutgoingState.WAITING.value)
    created_at = models.DateTimeField(auto_now_add=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    carried_at = models.DateTimeField(null=True, blank=True)
    campaign_id = models.CharField(max_length=32, blank=True, db_index=True)
    message_id = models.CharField(max_length=40, blank=True, db_index=True)
    error = models.TextField(blank=True)

    objects = OutgoingQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "outgoing"
        indexes = [models.Index(fields=["state", "id"], name="bsg_outgoing_waiting")]
        # Each stream has its own keys, and campaigns have theirs.
        constraints = [models.UniqueConstraint(fields=["stream", "key"], name="bsg_outgoing_key")]

    def __str__(self) -> str:
        return self.key
