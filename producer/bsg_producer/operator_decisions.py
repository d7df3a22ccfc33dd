"""What an operator decides: about batches in doubt, and about an account's gate."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.doubts import Doubt
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import Gate, GateReason, GateState
from bsg_producer.campaign_arguments import account_of
from bsg_producer.producer_base import ProducerBase
from bsg_producer.queue_errors import queue_errors
from bsg_producer.resolution import Resolved, batch_named, resolve, resolve_all_not_sent


class OperatorDecisions(ProducerBase):
    """The methods that show what an operator must decide, and record the decision."""

    def resolve(self, batch_id: str, *, sent: int | None = None, not_sent: bool = False) -> str:
        """Record an operator's decision on a batch. Return its new state. `sent` is the id of its BSG campaign.

        >>> producer.resolve(batch_id, not_sent=True)
        'pending'
        >>> producer.resolve(batch_id, not_sent=True)
        Traceback (most recent call last):
        bsg_messages.errors.CampaignInvalid: batch: it is pending and needs no operator: there is nothing to resolve
        """
        with queue_errors():
            batch = batch_named(batch_id)
            state = resolve(self._ledger, batch, sent=sent, not_sent=not_sent)
        self._wake(batch.campaign_id)
        return state

    def doubts(
        self, *, account: str = DEFAULT_ACCOUNT, since: datetime | None = None, until: datetime | None = None
    ) -> list[Doubt]:
        """Return the account's batches whose doubt began in that period, the oldest doubt first.

        Each shows whether it needs an operator, and why. Raise `SettingsInvalid` without the account's key.

        >>> [(doubt.batch == batch_id, doubt.messages, doubt.needs_operator) for doubt in producer.doubts()]
        [(True, 2, False)]
        """
        with queue_errors():
            return self._ledger.doubts(account_of(self._settings, account).id, since=since, until=until)

    def resolve_all_not_sent(self, doubts: Iterable[Doubt]) -> list[Resolved]:
        """Record that batches, as `doubts` returned them, were not sent. Return the new state of each.

        A batch is not changed, and its state is `stale`, if it was tried or found meanwhile, if it needs no operator,
        or if BSG has a trace of it.

        >>> shown = [doubt for doubt in producer.doubts() if doubt.batch == batch_id]
        >>> [resolved.state for resolved in producer.resolve_all_not_sent(shown)]  # BSG may still have it
        ['stale']
        """
        with queue_errors():
            resolved = resolve_all_not_sent(self._ledger, doubts)
        for campaign_id in dict.fromkeys(one.batch.campaign_id for one in resolved if one.changed):
            self._wake(campaign_id)
        return resolved

    def look_up(self, doubts: Iterable[Doubt], *, account: str = DEFAULT_ACCOUNT) -> None:
        """Ask the status worker to look these batches up at BSG now. A batch that BSG has counts as sent.

        >>> producer.look_up([doubt for doubt in producer.doubts() if doubt.batch == batch_id])
        """
        with queue_errors():
            account_id = account_of(self._settings, account).id
            self._ledger.due_indexes.give_back(DueIndex.DOUBT, [doubt.batch for doubt in doubts], account=account_id)

    def gate(self, *, account: str = DEFAULT_ACCOUNT) -> GateState:
        """Return whether requests may leave for the account and, if not, why.

        Raise `SettingsInvalid` without any key.

        >>> producer.gate().open
        True
        """
        with queue_errors():
            return self._gate(account).state()

    def open_gate(self, *, account: str = DEFAULT_ACCOUNT) -> None:
        """Open the account's gate: its batches may leave again. Raise `SettingsInvalid` without any key.

        >>> producer.shut_gate()
        >>> producer.open_gate()
        >>> producer.gate().open
        True
        """
        with queue_errors():
            self._gate(account).open(reason="", by="operator")

    def shut_gate(self, *, account: str = DEFAULT_ACCOUNT) -> None:
        """Shut the gate: nothing more leaves until an operator opens it. Requests on the wire are not recalled.

        >>> producer.shut_gate()
        >>> producer.gate().open, producer.gate().reason
        (False, 'operator')
        """
        with queue_errors():
            self._gate(account).shut(reason=GateReason.OPERATOR, by="operator")

    def _gate(self, account: str) -> Gate:
        return self._ledger.gate(account_of(self._settings, account).id)
