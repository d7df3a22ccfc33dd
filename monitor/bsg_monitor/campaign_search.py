"""Find campaigns by what an operator knows of them: a name, an id of any kind, or a message's reference id."""

from __future__ import annotations

from bsg_ledger.ledger import Ledger
from bsg_ledger.listing import CampaignHead
from bsg_messages import rules
from bsg_messages.campaign_ids import is_campaign_id
from bsg_messages.reference_ids import campaign_and_index
from bsg_messages.rejects import Violation
from bsg_messages.search_digests import Searched, search_digest
from bsg_monitor.campaign_directory import CampaignDirectory

CAMPAIGNS_SEARCHED = 50_000  # the newest, for a phone or a reference id


class CampaignSearch:
    """Safe in threads. Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, ledger: Ledger, directory: CampaignDirectory, search_key: str | None) -> None:
        self._ledger = ledger
        self._directory = directory
        self._search_key = search_key

    def find(self, text: str) -> list[CampaignHead]:
        """Return the campaigns that the text names, the newest first.

        It may be a part of a name, the id of a campaign, a batch or a message, a phone, or a reference id of the
        caller. Phones are found if messages are indexed; reference ids also if exactly one stream knows them.
        """
        text = text.strip()
        if not text:
            return []
        by_id = self._ledger.listing.heads(list(self._ids(text)))
        by_name = [
            head
            for head in self._directory.heads()
            if text.casefold() in head.summary.name.casefold() and head.summary.campaign_id not in by_id
        ]
        return sorted([*by_id.values(), *by_name], key=lambda head: head.summary.accepted_at, reverse=True)

    def _ids(self, text: str) -> set[str]:
        campaign_id, _, number = text.rpartition("-")
        if number.isdecimal() and is_campaign_id(campaign_id):
            return {campaign_id}
        if is_campaign_id(text):
            return {text}
        named = campaign_and_index(text)
        return {named[0]} if named is not None else self._with_phone(text) | self._with_reference_id(text)

    def _with_phone(self, text: str) -> set[str]:
        try:
            return self._indexed(Searched.PHONE, rules.phone(text))
        except Violation:
            return set()

    def _with_reference_id(self, text: str) -> set[str]:
        try:
            reference_id = rules.reference_id(text)
        except Violation:
            return set()
        messages = self._ledger.stream_listing.messages_with_reference_ids([reference_id]).values()
        of_streams = {named[0] for message in messages if (named := campaign_and_index(message)) is not None}
        return of_streams | self._indexed(Searched.REFERENCE_ID, reference_id)

    def _indexed(self, kind: Searched, value: str) -> set[str]:
        if self._search_key is None:
            return set()
        digest = search_digest(self._search_key, kind, value)
        campaigns = self._ledger.listing.campaign_ids(CAMPAIGNS_SEARCHED, of_streams=True)
        return set(self._ledger.message_index.find(kind, digest, campaigns))
