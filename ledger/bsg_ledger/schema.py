"""Every key of the ledger. Python builds keys only with these; scripts build the same keys in lua/shared/keys.lua.

A key belongs to the whole ledger (`bsg:NAME`), to a campaign (`bsg:campaign:C:NAME`) or to an account
(`bsg:account:A:NAME`). One Redis holds one ledger. Scripts build their keys from ids, so the ledger does not run on
Redis Cluster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

Type = Literal["hash", "list", "set", "stream", "string", "zset"]

_ANY = {"KEY": ".+"}  # chosen by the caller
_PURGED = "purge, LEDGER_RETENTION after the campaign's end"
_BODIES_PURGED = "purge, BODY_RETENTION after the campaign's end"


@dataclass(frozen=True, slots=True)
class Key:
    """One kind of key. The capitals in its pattern are placeholders, as are those in a hash's fields.

    `removed_by`: what removes the key or its entries; "" for a permanent key, and for an index that follows the states
    of its entries. `may_expire`: whether the key may have an expiry.
    """

    pattern: str
    type: Type
    meaning: str
    fields: Mapping[str, str] = field(default_factory=dict)
    removed_by: str = ""
    may_expire: bool = False

    def __call__(self, *parts: object) -> str:
        """Return the key with its placeholders replaced, in order. Raise IndexError if one is missing."""
        return _template(self.pattern).format(*parts)

    def matches(self, key: str) -> bool:
        return _matches(self.pattern, key)

    def has_field(self, name: str) -> bool:
        return any(_matches(pattern, name) for pattern in self.fields)


@cache
def _template(pattern: str) -> str:
    return ":".join("{}" if part.isupper() else part for part in pattern.split(":"))


def _matches(pattern: str, name: str) -> bool:
    parts = (_ANY.get(part, "[^:]+") if part.isupper() else re.escape(part) for part in pattern.split(":"))
    return re.fullmatch(":".join(parts), name) is not None


# The whole ledger.

LEDGER = Key(
    "bsg:ledger",
    "hash",
    "counters of the whole ledger",
    {
        "incarnation": "names this ledger, so that another one is noticed",
        "sequence": "one per event",
        "alarms": "how often something was found that must not be",
        "suppressions": "one per change of the suppression list",
        "rollbacks": "how often the ledger went back",
        "delivery_reports": "one per report that BSG pushed",
        "disk": "written only to wait for the disk behind it",
    },
)
CAMPAIGNS = Key("bsg:campaigns", "zset", "every campaign, by the time of its acceptance", removed_by=_PURGED)
OPEN = Key("bsg:open", "zset", "campaigns that are not closed, by the time of their acceptance")
CLOSED = Key("bsg:closed", "zset", "campaigns with nothing left to do, by since when", removed_by=_PURGED)
DEADLINES = Key("bsg:deadlines", "zset", "campaigns with something unsent, by their deadline or the first of a batch")
UNFINISHED = Key(
    "bsg:unfinished",
    "zset",
    "campaigns with steps left of their acceptance, a cancel, a retry, a commit, a move to another key or a "
    "compaction, by when the sweep takes them",
)
COLLECTING = Key("bsg:collecting", "zset", "campaigns that take up messages of their stream, by until when")
STREAMS = Key("bsg:streams", "zset", "the name of every stream, by when it last began a campaign")
STREAM = Key(
    "bsg:stream:NAME",
    "hash",
    "a stream",
    {
        "campaign:DIGEST": "the campaign that takes up messages with these options",
        "paused": "1: its campaigns begin paused",
        "keys": "the number of the keys in use",
        "keys_until": "until when (ms)",
        "day": "the day that max_cost_per_day counts now (days since 1970, UTC)",
        "day_cost": "what the batches of that day cost, with estimates for those without a price",
        "day_unpriced": "a batch of that day whose price is not known yet",
        "message_price": "the last price of a message, if max_cost_per_day is set",
    },
)
STREAM_CAMPAIGNS = Key(
    "bsg:stream:NAME:campaigns", "zset", "the stream's campaigns, by when they began", removed_by=_PURGED
)
STREAM_KEYS = Key(
    "bsg:stream:NAME:keys:N",
    "hash",
    "idempotency keys and reference ids of a stream's messages",
    {
        "key DIGEST": "campaign and index of the message, a digest of its content, and the attempt that was accepted",
        "id REFERENCE": "the same of the message that has this reference id of the caller",
    },
    removed_by="Redis, twice STREAM_KEY_RETENTION after the first of them",
    may_expire=True,
)
MESSAGES = Key("bsg:messages", "hash", "messages of all campaigns by state", {"STATE": "how many"})
EVENTS = Key("bsg:events", "stream", "the last 100 000 transitions of all campaigns: the feed")
DELIVERY_REPORTS = Key("bsg:delivery-reports", "stream", "the last delivery reports that BSG pushed")
OPERATOR_LOG = Key("bsg:operator-log", "stream", "the last 10 000 buttons that operators pressed in Flower")
MESSAGE_INDEX = Key(
    "bsg:message-index", "hash", "the index of messages", {"position": "up to where in the feed messages are indexed"}
)
IDEMPOTENCY = Key(
    "bsg:idempotency:KEY",
    "string",
    "the campaign that was accepted under an idempotency key, a digest of its content, and how many messages it has",
    removed_by=_PURGED,
)
SUPPRESSED = Key("bsg:suppressed", "set", "phones that are never sent to")
SUPPRESSION_SOURCES = Key(
    "bsg:suppression-sources", "set", "who put phones there: `here`, or `bsg:NAME` for BSG's stop list of that account"
)
SUPPRESSED_FROM_HERE = Key("bsg:suppressed:from:here", "set", "phones that were put there here")
SUPPRESSED_FROM_BSG = Key("bsg:suppressed:from:bsg:NAME", "set", "phones that BSG's stop list of that account has")
STOP_LISTS = Key(
    "bsg:stop-lists",
    "hash",
    "how far BSG's stop lists have been read",
    {"NAME:step": "offset of the next page of that account's list, or `push`", "NAME:due": "when (ms)"},
)
ROLLBACK_DETECTOR = Key(
    "bsg:rollback-detector:PROCESS",
    "string",
    "high-water mark of a process: the last event that it has seen",
    removed_by="Redis, 30 days after the process ended",
    may_expire=True,
)
ACCOUNT_NAMES = Key("bsg:account-names", "set", "the name of every account that a campaign was ever accepted for")
ACCOUNT_KEYS = Key(
    "bsg:keys", "zset", "accounts, by when a process last had their API key", removed_by="account forget"
)
BEATS = Key("bsg:beats", "zset", "beats, by their last tick", removed_by="the next note, a day after the last tick")
WORKERS = Key(
    "bsg:workers",
    "zset",
    "workers, by when they were last known to run; one that hangs may be among them",
    removed_by="the next note, a day after the worker's last",
)
PING = Key(
    "bsg:ping:TOKEN",
    "string",
    "there once a worker has responded to that liveness ping",
    removed_by="Redis, ten minutes after the response",
    may_expire=True,
)

# A campaign.

CAMPAIGN = Key(
    "bsg:campaign:C",
    "hash",
    "a campaign's record",
    {
        "accepted_at": "when it was accepted (ms)",
        "messages": "how many were accepted",
        "messages:STATE": "how many are in that state",
        "batches:STATE": "how many batches are in that state",
        "options": "its options (JSON)",
        "name": "as the caller named it",
        "priority": "high, normal or low",
        "deadline": "when what is unsent expires (ms)",
        "start_at": "when BSG is to send it (ms)",
        "pass": "its virtual time; negative while it has had no request",
        "joined": "the account's virtual time when it came, while it has had no request",
        "opens_at": "when its sending hours open that are now or come next (ms)",
        "closes_at": "when they close (ms)",
        "held_until": "nothing of it is sent before (ms)",
        "held_for": "why: hours, price or max_cost_per_day",
        "idempotency_key": "under which it was accepted",
        "chunks": "how many have been added",
        "next_index": "the index of the first message of the next chunk",
        "started": "1: a worker has taken a chunk up",
        "next_batch": "the number of the next batch",
        "account": "the account that it belongs to; empty before the first dispatch",
        "account_name": "the name of the account that it was accepted for",
        "paused": "1: unsent batches are held",
        "capped": "why max_cost has paused it",
        "cancelled": "1: nothing more is sent",
        "stream": "the stream that it belongs to",
        "options_digest": "of its options, by which its stream finds it",
        "collects_until": "until when it takes up messages of its stream (ms)",
        "collecting_batch": "the batch that takes them up",
        "rollbacks": "how often the ledger had gone back when the stream began it",
        "ended": "its final state, while it is closed",
        "max_cost": "what it may cost",
        "max_cost_per_day": "what the campaigns of its stream may cost together in a day",
        "cost": "what it has cost so far",
        "priced": "of how many messages BSG has reported the price",
        "unreadable": "why a worker could not read its messages",
        "unreadable_at": "when it last tried (ms)",
        "bodies_forgotten_at": "when the removal of its messages began (ms)",
        "stop_from": "the batch at which the next step of a cancel begins to order stops",
        "retry_from": "the chunk, or behind the last one the batch, at which the next step of a retry begins",
        "forget_from": "the batch at which the next step of the removal of its messages begins",
        "carry_from": "the batch at which the next step of a move to another key begins",
        "carry_account": "the account of the old key, while such steps are left",
    },
    removed_by=_PURGED,
)
CHUNK_SIZES = Key("bsg:campaign:C:sizes", "list", "sizes of the chunks that have to be added yet")
CHUNKS = Key("bsg:campaign:C:chunks", "zset", "chunks to prepare, by when they are due or their lease ends")
CHUNK = Key(
    "bsg:campaign:C:chunk:P",
    "hash",
    "a chunk of a campaign",
    {
        "state": "of the chunk",
        "size": "how many messages it has",
        "first_index": "the index of the first one",
        "losses": "how many leases were lost",
        "rejected": "how many of its messages were rejected since it was given up",
        "suppressions": "the number of the suppression list that it was prepared by",
        "token": "of the worker that has leased it",
        "lease_until": "when the lease ends (ms)",
    },
    removed_by=_PURGED,
)
CAMPAIGN_MESSAGES = Key(
    "bsg:campaign:C:messages",
    "hash",
    "the packed messages of the chunks",
    {"P": "of that chunk"},
    removed_by="the chunks' preparation; Redis, if the campaign is not accepted in time",
    may_expire=True,
)
CHUNK_STAGED = Key(
    "bsg:campaign:C:chunk:P:staged:TOKEN",
    "list",
    "what a worker has prepared a chunk of many batches to, before its commit: size, rows and messages of each batch, "
    "then an empty text, index and JSON of each reject",
    removed_by="its commit; Redis, ten minutes after it was stored",
    may_expire=True,
)
CHUNK_COMMITTED = Key("bsg:campaign:C:chunk:P:staged", "list", "the same after the commit: what has to be added yet")
COMMITTED = Key(
    "bsg:campaign:C:committed",
    "zset",
    "chunks with batches or rejects to be added yet, by when they were committed or given up",
)
BATCH = Key(
    "bsg:campaign:C:batch:B",
    "hash",
    "a batch",
    {
        "state": "of the batch",
        "since": "when it came into the state (ms)",
        "size": "how many messages it has",
        "rows": "the indexes of its messages",
        "chunk": "the chunk that it was prepared from",
        "first_index": "the index of its first message, in a stream's campaign",
        "collects_from": "since when it takes up messages of a stream (ms)",
        "deadline": "when it expires, in a stream's campaign (ms)",
        "not_before": "when it may be sent (ms)",
        "attempts": "how many intents were written",
        "token": "of the worker that holds it",
        "lease_until": "when the lease ends (ms)",
        "suppressions": "the number of the suppression list that it was checked against",
        "first_intent_at": "when the first intent in doubt was written (ms)",
        "intent_at": "when the last intent was written (ms)",
        "doubt": "1: an attempt is in doubt",
        "suspects": "indexes of rows whose reference id may have been used before",
        "explained": "1: what is missing in BSG's total has been looked up",
        "error": "why the last attempt failed",
        "gate_shuts": "how often this batch has shut the gate",
        "needs_operator": "what an operator has to decide",
        "operator_reason": "why",
        "no_trace": "1: BSG surely has nothing of the batch, as far as reads can show",
        "bsg_campaign_id": "the campaign at BSG that counts",
        "other_bsg_campaign_ids": "further ones, with commas between them",
        "incomplete:ID": "1: that campaign does not have all of the batch's messages",
        "bsg_status": "the status of the campaign at BSG",
        "bsg_status_at": "since when (ms)",
        "bsg_total_messages": "how many messages BSG counts",
        "statistics": "what BSG counts by status (JSON)",
        "price": "what BSG asks for it",
        "currency": "of the price",
        "day": "the day of its last post, if a max_cost_per_day counts it (days since 1970, UTC)",
        "day_cost": "how much it counts on that day: an estimate, then its price",
        "submitted_at": "when BSG had taken it (ms)",
        "polled_at": "when its status was last read (ms)",
        "finished_at": "when BSG had finished it (ms)",
        "unread_at": "since when BSG says nothing of use about it (ms)",
        "lost_at": "since when BSG denies the campaign that it named (ms)",
        "unstopped:ID": "when the stop of that campaign was given up (ms)",
    },
    removed_by=_PURGED,
)
COLLECTED = Key(
    "bsg:campaign:C:collected",
    "set",
    "phones of the batch that takes up messages",
    removed_by="the next batch, or the end of the campaign's time",
)
BATCH_MESSAGES = Key(
    "bsg:campaign:C:batch:B:messages", "string", "the batch's messages, ready for the wire", removed_by=_BODIES_PURGED
)
CAMPAIGN_DUE = Key("bsg:campaign:C:due", "zset", "pending batches, by not_before")
REJECTS = Key("bsg:campaign:C:rejects", "zset", "rejected messages (JSON), by their index", removed_by=_PURGED)
BATCH_DEADLINES = Key(
    "bsg:campaign:C:deadlines",
    "zset",
    "batches of a stream's campaign that may be unsent, by their deadline",
    removed_by="the end of the campaign",
)
CAMPAIGN_EVENTS = Key("bsg:campaign:C:events", "stream", "every transition of the campaign", removed_by=_PURGED)
RECORD = Key(
    "bsg:campaign:C:record",
    "string",
    "a compacted campaign: its fields, batches, transitions and rejects, compressed. It has no other keys",
    removed_by=_PURGED,
)
PAGES = Key(
    "bsg:campaign:C:pages",
    "hash",
    "batches, transitions and rejects of a compacted campaign that has many of them, compressed",
    {"KIND:N": "the page N of the batches, events or rejects"},
    removed_by=_PURGED,
)
STORED_PAGES = Key(
    "bsg:campaign:C:pages:TOKEN",
    "hash",
    "the same before the campaign is compacted",
    {"KIND:N": "the page N of the batches, events or rejects"},
    removed_by="the compaction; Redis, ten minutes after the last of them was stored",
    may_expire=True,
)
DIGESTS = Key(
    "bsg:campaign:C:digests:KIND",
    "string",
    "digests of its messages' phones, or of the callers' reference ids, six bytes each, by the messages' indexes",
    removed_by="Redis, LEDGER_RETENTION after the last batch was prepared",
    may_expire=True,
)
LEFT = Key(
    "bsg:campaign:C:left",
    "hash",
    "what a compacted campaign still has to lose",
    {"batches": "how many batches are left, from 0", "chunks": "how many chunks are left, from 0"},
    removed_by="the last step of the compaction",
)

# An account. A is the digest of its address and API key.

ACCOUNT_DUE = Key(
    "bsg:account:A:due",
    "zset",
    "campaigns with a batch or a chunk that is due later, by when. A is `-NAME` for those of no account yet",
)
SENDABLE = Key("bsg:account:A:sendable", "zset", "campaigns with a batch that is due now, by virtual time")
PREPARABLE = Key("bsg:account:A:preparable", "zset", "campaigns with a chunk that is due now, by virtual time")
DISPATCH = Key(
    "bsg:account:A:dispatch",
    "hash",
    "which campaign is next",
    {
        "virtual": "the account's virtual time",
        "joined": "how many campaigns have come so far",
        "owed": "virtual time by which new campaigns have gone before others",
        "wake_at": "until when somebody waits for the next thing (ms)",
    },
)
ACCOUNT_LEASES = Key("bsg:account:A:leases", "zset", "posting batches, by the end of their lease")
DOUBT = Key("bsg:account:A:doubt", "zset", "unconfirmed batches, by the next look-up at BSG")
LIVE = Key("bsg:account:A:live", "zset", "submitted and finished batches, by the next poll")
NEEDS_OPERATOR = Key("bsg:account:A:needs-operator", "zset", "batches that need an operator, by since when")
PAUSED_AT_BSG = Key("bsg:account:A:paused-at-bsg", "zset", "batches that BSG has paused, by since when that is known")
IN_MODERATION = Key("bsg:account:A:in-moderation", "zset", "batches that BSG moderates, by since when")
SPAM_AT_BSG = Key("bsg:account:A:spam-at-bsg", "zset", "batches that BSG called spam, by since when")
STOPS = Key("bsg:account:A:stops", "zset", "campaigns at BSG to be stopped, by the next try")
STOP_REFUSALS = Key(
    "bsg:account:A:stop-refusals",
    "hash",
    "campaigns at BSG that it has not stopped yet",
    {
        "ID": "the status at the last try",
        "ID:since": "when BSG first refused (ms)",
        "ID:denied": "the first of the latest 404s (ms)",
    },
)
OWNERS = Key("bsg:account:A:owners", "hash", "which batch a campaign at BSG belongs to", {"ID": "the batch's id"})
GATE = Key(
    "bsg:account:A:gate",
    "hash",
    "whether anything may leave for the account",
    {
        "state": "open, half_open or shut",
        "reason": "why it is shut",
        "by": "who shut or opened it",
        "since": "when (ms)",
        "doubts": "doubtful outcomes in a row",
        "probe_at": "when the next probe is due (ms)",
        "balance": "what the account had when BSG said that it has no funds",
        "covered": "since when another reason covers this one (ms)",
        "trial": "batch and token that a half-open gate let through",
        "backoff": "how long doubts shut it (ms)",
        "tried_balance": "a probe opened the gate with it, and nothing was taken since",
        "message_price": "the price of the last message",
    },
)
FUNDS = Key(
    "bsg:account:A:funds",
    "hash",
    "the balance, and the cost of the queue",
    {
        "available": "balance and credit",
        "currency": "of both",
        "queued_cost": "what the messages that waited will cost",
        "at": "when it was noted (ms)",
    },
)
FAILURES = Key(
    "bsg:account:A:failures",
    "hash",
    "how BSG fails requests",
    {
        "KIND:since": "when the spell began (ms)",
        "KIND:last": "when it last happened (ms)",
        "KIND:count": "how often in the spell",
        "KIND:cause": "of the last one",
        "KIND:total": "how often since the ledger began",
    },
)
MEASURED = Key(
    "bsg:account:A:measured",
    "hash",
    "what workers measure of their requests",
    {
        "submissions:OUTCOME": "requests with that outcome",
        "post:BUCKET": "requests by how long BSG took; `total` in seconds",
        "slot:BUCKET": "requests by how long they waited for their slot; `total` in seconds",
    },
)
FACTS = Key("bsg:account:A:facts", "string", "what `calibrate` measured of BSG (JSON)")
ZONE = Key("bsg:account:A:zone", "string", "minutes by which BSG's times differ from the zone of the settings")
API_KEY = Key(
    "bsg:account:A:key",
    "hash",
    "whose API key it is; never the key itself",
    {"name": "of the account", "address": "of BSG", "bsg_account": "BSG's own account, by a digest"},
)
LIMIT = Key(
    "bsg:account:A:limit:NAME",
    "string",
    "the microsecond from which one more request fits the limit (`submit` or `status`)",
    removed_by="Redis, a second after it has passed",
    may_expire=True,
)
COOL_DOWN = Key(
    "bsg:account:A:cool-down",
    "string",
    "the microsecond until which no request of the account may leave",
    removed_by="Redis, a second after it has passed",
    may_expire=True,
)
TOKEN = Key("bsg:account:A:token", "string", "the bearer token that all processes of the account share")
TOKEN_LOGIN = Key(
    "bsg:account:A:token:login",
    "string",
    "which process logs in now",
    removed_by="that process; Redis, when a login cannot last longer",
    may_expire=True,
)

KEYS: tuple[Key, ...] = tuple(key for key in list(globals().values()) if isinstance(key, Key))


def of(key: str) -> Key | None:
    """Return the kind of a key in Redis; None if it does not belong to the ledger."""
    return next((kind for kind in KEYS if kind.matches(key)), None)


def suppressed_from(source: str) -> str:
    """Return the key of the phones of a suppression source: `here`, or `bsg:NAME`."""
    return f"{SUPPRESSED()}:from:{source}"


def due_index(index: str, account: str = "") -> str:
    """Return the key of a due index, by its last word: an account's, or the whole ledger's."""
    return f"bsg:account:{account}:{index}" if account else f"bsg:{index}"
