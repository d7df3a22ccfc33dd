"""The keys that each account has had, which of them are in use, and the move of campaigns to another key."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import redis

from bsg_config.settings import Settings
from bsg_ledger import schema
from bsg_ledger.compacted_reading import CompactedReading
from bsg_ledger.compaction import Compaction
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Scripts, decoded, text_of

NOTE_SECONDS = 10.0  # how often a process records its keys
IN_USE_MS = 30_000  # how long after that a key counts as in use
CAMPAIGNS_AT_ONCE = 500
BATCHES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Key:
    """An account's key. Its name in the ledger is the account id: a digest of the key and the address.

    `bsg_account` is a digest of BSG's own account; "" if BSG has not named it. `in_use`: a process had the key within
    the last half minute.
    """

    account: str
    name: str
    address: str
    bsg_account: str
    in_use: bool


class Rekeyed(StrEnum):
    """The result of moving a campaign to another key."""

    MOVED = "moved"
    BEGUN = "begun"  # BSG has or may have some of it for the old key
    ELSEWHERE = "elsewhere"  # the old key was for another address
    WENT_BACK = "went_back"  # the ledger did, and the old key's account was not audited since
    IN_USE = "in_use"  # a process still has the old key
    UNPROVED = "unproved"  # nothing proves that both keys are of one account at BSG
    UNFINISHED = "unfinished"  # an earlier move has steps left
    STALE = "stale"  # the campaign is of another account or name by now


@dataclass(frozen=True, slots=True)
class Rekeying:
    """`batches`: the batches that BSG has or may have for the old key."""

    kind: Rekeyed
    batches: tuple[str, ...] = ()


class Keys:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._redis = client
        self._client = typed(client)
        self._compacted = CompactedReading(client)
        self._scripts = scripts

    def note(self, account: str, *, name: str, address: str, bsg_account: str) -> None:
        """Record that a process has this key now."""
        self._scripts.run("note_key", account, name, address, bsg_account)

    def known(self) -> dict[str, Key]:
        """Return every key that a process ever had, by its account."""
        seen = self._client.zrange(schema.ACCOUNT_KEYS(), 0, -1, withscores=True)
        pipe = self._client.pipeline(transaction=False)
        for account, _ in seen:
            pipe.hgetall(schema.API_KEY(text_of(account)))
        in_use_since = now_ms(self._client) - IN_USE_MS
        return {
            text_of(account): _key(text_of(account), decoded(raw), in_use=at > in_use_since)
            for (account, at), raw in zip(seen, pipe.execute(), strict=True)
        }

    def owners(self, name: str) -> set[str]:
        """Return the account ids of that account name: one for each key that it has had."""
        return {account for _, account, named in self._campaigns() if account and named == name}

    def campaigns_of(self, account: str, *, name: str) -> Iterator[str]:
        """Yield the campaigns for that account name that belong to this account id, in no order."""
        return (campaign for campaign, owner, named in self._campaigns() if owner == account and named == name)

    def _campaigns(self) -> Iterator[tuple[str, str, str]]:
        """Yield every campaign, its account id ("": none yet), and its account name, in no order.

        Pages of a list would skip campaigns if others are purged meanwhile.
        """
        everything = self._client.zscan_iter(schema.CAMPAIGNS(), count=CAMPAIGNS_AT_ONCE)
        while campaigns := [text_of(campaign) for campaign, _ in islice(everything, CAMPAIGNS_AT_ONCE)]:
            pipe = self._client.pipeline(transaction=False)
            for campaign in campaigns:
                pipe.hmget(schema.CAMPAIGN(campaign), "account", "account_name")
            replies = pipe.execute()
            missing = [campaign for campaign, (_, name) in zip(campaigns, replies, strict=True) if name is None]
            for campaign, compacted in self._compacted.campaigns(missing).items():
                yield campaign, compacted.fields.get("account", ""), compacted.fields["account_name"]
            for campaign, (account, name) in zip(campaigns, replies, strict=True):
                yield campaign, text_of(account or b""), text_of(name or b"")

    def inherit(self, account: str, *, old: str, bsg_account: str) -> None:
        """Add the BSG campaigns of the key `old` to the account, if both keys are of one account at BSG."""
        cursor = "0"
        while (cursor := text_of(self._scripts.run("inherit", old, account, bsg_account, cursor)[0])) != "0":
            pass

    def rekey(
        self, campaign_id: str, *, old: str, account: str, name: str, address: str, bsg_account: str, by: str
    ) -> Rekeying:
        """Move a campaign from the account of the key `old` to `account`. `by`: operator or worker."""
        if self._compacted.campaign(campaign_id) is not None:
            compaction = Compaction(self._redis, self._scripts)
            return Rekeying(
                Rekeyed(
                    compaction.rekey(campaign_id, old=old, account=account, address=address, bsg_account=bsg_account)
                )
            )
        self._scripts.all_steps("rekey_some", campaign_id)  # of an earlier move
        rekeying = self.begin_to_rekey(
            campaign_id, old=old, account=account, name=name, address=address, bsg_account=bsg_account, by=by
        )
        self._scripts.all_steps("rekey_some", campaign_id)
        return rekeying

    def begin_to_rekey(
        self, campaign_id: str, *, old: str, account: str, name: str, address: str, bsg_account: str, by: str
    ) -> Rekeying:
        """Assign the campaign to `account`. Later steps move its batches to the indexes of that account."""
        unsent_at = ""
        while True:
            reply = self._scripts.run("rekey", campaign_id, old, account, name, address, bsg_account, by, unsent_at)
            if (kind := text_of(reply[0])) != "unread":
                return Rekeying(Rekeyed(kind))
            unsent_at = self._last_event(campaign_id)
            if begun := self._begun(campaign_id):
                return Rekeying(Rekeyed.BEGUN, tuple(begun))

    def _last_event(self, campaign_id: str) -> str:
        """Return the id of a campaign's last event; "0" if it has none."""
        last = self._client.xrevrange(schema.CAMPAIGN_EVENTS(campaign_id), count=1)
        return text_of(last[0][0]) if last else "0"

    def _begun(self, campaign_id: str) -> list[str]:
        """Return the batches that BSG has, or may have."""
        batches = range(int(self._client.hget(schema.CAMPAIGN(campaign_id), "next_batch") or 0))
        begun = list[str]()
        for first in range(0, len(batches), BATCHES_AT_ONCE):
            some = batches[first : first + BATCHES_AT_ONCE]
            pipe = self._client.pipeline(transaction=False)
            for batch in some:
                fields = ("state", "doubt", "bsg_campaign_id", "other_bsg_campaign_ids")
                pipe.hmget(schema.BATCH(campaign_id, batch), *fields)
            for batch, (state, doubt, bsg_id, others) in zip(some, pipe.execute(), strict=True):
                # guard: rekey-begun
                if state == b"posting" or doubt == b"1" or bsg_id or others:
                    begun.append(f"{campaign_id}-{batch}")
        return begun

    def forget(self, account: str) -> None:
        """Forget that key. A process that has it again records it again."""
        self._scripts.run("forget_key", account)


def is_lost(in_use: Collection[str], settings: Settings, account: str | None, account_name: str) -> bool:
    """Return whether no process has the key any more under which a campaign was begun.

    `in_use`: the accounts whose keys processes have. If it is empty and no key is set here, as in a web app, no worker
    runs at all, and no key counts as lost.
    """
    if account is None or account in in_use or settings.owning(account, account_name) is not None:
        return False
    return bool(settings.accounts) or bool(in_use)


def _key(account: str, raw: dict[str, str], *, in_use: bool) -> Key:
    return Key(
        account=account,
        name=raw.get("name", ""),
        address=raw.get("address", ""),
        bsg_account=raw.get("bsg_account", ""),
        in_use=in_use,
    )
