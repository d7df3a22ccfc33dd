"""Streams: named, open campaigns that take up single messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import redis

from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.campaigns import WakeUp
from bsg_ledger.compacted_reading import CompactedReading
from bsg_ledger.durability import Durability
from bsg_ledger.record_parsing import message_id_of
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Argument, Reply, Scripts, text_of

MESSAGES_A_CAMPAIGN = 1_000_000
COLLECTS_AT_MOST_MS = 60_000
MESSAGES_A_CALL = 500  # the maximum, so that a call blocks Redis for ten milliseconds at most
_RESULT_VALUES = 4  # of each message, in the script's reply


@dataclass(frozen=True, slots=True)
class StreamRules:
    """How a stream's messages are sent. Times are in milliseconds, from a message's acceptance.

    `digest` is of everything that makes the stream begin a new campaign when it changes. `has_hours`: batches may leave
    only at some hours of the day.
    """

    stream: str
    options: str = field(repr=False)
    digest: str
    priority: str
    account_name: str
    max_cost: str
    max_cost_per_day: str
    has_hours: bool
    lifetime_ms: int
    max_wait_ms: int
    batch_size: int
    key_retention_ms: int
    campaign_ms: int  # for how long a campaign takes up messages
    wake_up: WakeUp
    messages_a_campaign: int = MESSAGES_A_CAMPAIGN

    @property
    def collects_ms(self) -> int:
        """Return for how long a batch takes up messages: a small part of their lifetime, as they expire together."""
        return min(COLLECTS_AT_MOST_MS, max(1, self.lifetime_ms // 60))


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """A checked message. `key` and `content` are digests. `attempt` names one sending of it, repetitions included.

    `reference_id` is "" if it is generated. `row` is what `collected.with_suffix` returned, and may be encrypted.
    """

    key: str
    content: str
    attempt: str
    phone: str = field(repr=False)
    reference_id: str
    row: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewNames:
    """Random names that a call uses if it begins a campaign of the stream, or the ledger. Each call has its own."""

    campaign: str
    incarnation: str


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """`kind` is accepted, duplicate, conflict (the key has other content), reference_id or suppressed.

    `attempt`: the one that was accepted.
    """

    kind: str
    campaign_id: str = ""
    index: int = 0
    attempt: str = ""


class Streams:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._replies = typed(client)
        self._scripts = scripts

    def accept(
        self,
        rules: StreamRules,
        messages: Sequence[StreamMessage],
        new: NewNames,
        durability: Durability,
        *,
        in_order: bool = False,
    ) -> tuple[list[AcceptedMessage], bool]:
        """Accept messages of a stream, at most MESSAGES_A_CALL, each on its own.

        Return the results of the first of them, of one at least, and whether these are on disk. The others are not
        accepted: they need another campaign, so call again for them, or, with `in_order`, the last result is of a
        message that was refused.

        A repetition with the same attempts after a lost response returns the same.
        """
        reply, on_disk = durability.run(
            self._scripts,
            "accept_messages",
            *_arguments(rules, new, in_order),
            self._scripts.batches_a_step,
            *_of_messages(messages),
        )
        return _results(reply), on_disk

    def stop_collecting(self, campaign_id: str) -> bool:
        """Let the campaign take up no more messages. Return False if its time is not over."""
        return text_of(self._scripts.run("stop_collecting", campaign_id)[0]) == "stopped"

    def head(self, stream: str) -> tuple[bool, list[str]]:
        """Return whether the stream is paused, and the ids of all its campaigns, the newest first."""
        pipe = self._replies.pipeline(transaction=False)
        pipe.hget(schema.STREAM(stream), "paused")
        pipe.zrevrange(schema.STREAM_CAMPAIGNS(stream), 0, -1)
        paused, campaigns = pipe.execute()
        return paused == b"1", list(map(text_of, campaigns))

    def begin_paused(self, stream: str, paused: bool) -> None:
        """Let the campaigns that the stream begins from now on be paused, or not."""
        self._client.hset(schema.STREAM(stream), "paused", int(paused))

    def message_with_key(self, stream: str, key: str) -> str | None:
        """Return the id of the message with that digest of an idempotency key; None if it is gone.

        A key is known for STREAM_KEY_RETENTION at least.
        """
        return self._message_with(stream, f"key {key}")

    def message_with_reference_id(self, stream: str, reference_id: str) -> str | None:
        """Return the id of the message with the caller's reference id, likewise."""
        return self._message_with(stream, f"id {reference_id}")

    def _message_with(self, stream: str, name: str) -> str | None:
        keys = int(self._replies.hget(schema.STREAM(stream), "keys") or 0)
        for number in (keys, keys - 1):  # the newest names, and those before them
            found = self._replies.hget(schema.STREAM_KEYS(stream, number), name)
            if found is not None:
                return message_id_of(found)
        return None

    def batch_of(self, campaign_id: str, index: int) -> BatchId | None:
        """Return the batch that took up the message; None if the ledger does not know such a message of a stream.

        The batches follow each other by index, so few records are read.
        """
        stream, messages, batches = self._replies.hmget(
            schema.CAMPAIGN(campaign_id), "stream", "messages", "next_batch"
        )
        if stream is None:
            return self._compacted_batch_of(campaign_id, index)
        if not 0 <= index < int(messages or 0):
            return None
        low, high = 0, int(batches or 0)
        while high - low > 1:
            middle = (low + high) // 2
            first = self._replies.hget(schema.BATCH(campaign_id, middle), "first_index")
            if first is None:  # the campaign has just been compacted
                return self._compacted_batch_of(campaign_id, index)
            low, high = (middle, high) if int(first) <= index else (low, middle)
        return BatchId.of(campaign_id, low)

    def _compacted_batch_of(self, campaign_id: str, index: int) -> BatchId | None:
        campaign = CompactedReading(self._client).campaign(campaign_id)
        if campaign is None or "stream" not in campaign.fields or not 0 <= index < int(campaign.fields["messages"]):
            return None
        return BatchId.of(campaign_id, campaign.batch_with(index))


def _arguments(rules: StreamRules, new: NewNames, in_order: bool) -> Sequence[Argument]:
    return (
        rules.stream, rules.digest, new.campaign, rules.options, rules.priority, rules.account_name, rules.max_cost,
        rules.max_cost_per_day, 1 if rules.has_hours else "", rules.lifetime_ms, rules.max_wait_ms, rules.batch_size,
        rules.collects_ms, rules.campaign_ms, rules.messages_a_campaign, rules.key_retention_ms, new.incarnation,
        rules.wake_up.queue, rules.wake_up.message, 1 if in_order else "",
    )  # fmt: skip


def _of_messages(messages: Sequence[StreamMessage]) -> Iterator[Argument]:
    for one in messages:
        yield from (one.key, one.content, one.attempt, one.phone, one.reference_id, one.row)


def _results(reply: Reply) -> list[AcceptedMessage]:
    values = (reply[first::_RESULT_VALUES] for first in range(_RESULT_VALUES))
    return [
        AcceptedMessage(text_of(kind), text_of(campaign), int(index), text_of(attempt))
        for kind, campaign, index, attempt in zip(*values, strict=True)
    ]
