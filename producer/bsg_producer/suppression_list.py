"""The suppression list, for callers of the producer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bsg_ledger.suppressions import Suppression
from bsg_producer.producer_base import ProducerBase
from bsg_producer.queue_errors import queue_errors
from bsg_producer.suppressing import checked_phones


class SuppressionList(ProducerBase):
    """The methods that read and change the suppression list, which all campaigns of the ledger share."""

    def suppress(self, phones: Iterable[str | int]) -> int:
        """Add phones of people who opted out to the suppression list. Return how many were not on it before.

        A message that has not left yet is checked against the list, and becomes a reject `suppressed`. All campaigns of
        this ledger share the list. Raise `CampaignInvalid`, and change nothing, if a phone is invalid.

        >>> producer.suppress(["+380 66 123-12-31", 380661231232])
        2
        >>> producer.suppress(["12"])
        Traceback (most recent call last):
        bsg_messages.errors.CampaignInvalid: phones: the phone at 0: not an international phone number: ...
        """
        with queue_errors():
            changed = self._ledger.suppressions.add(checked_phones(phones))
            self._ledger.durability.wait_for_disk()
        return changed

    def unsuppress(self, phones: Iterable[str | int]) -> int:
        """Remove phones from the suppression list. Return how many were on it. Rejected messages stay rejected.

        The next read of BSG's stop list adds a phone again that is still on it: remove it there first.

        >>> producer.suppress([380661231231]), producer.unsuppress([380661231231]), producer.unsuppress([380661231231])
        (1, 1, 0)
        """
        with queue_errors():
            changed = self._ledger.suppressions.remove(checked_phones(phones))
            self._ledger.durability.wait_for_disk()
        return changed

    def suppressed(self) -> Iterator[str]:
        """Return the phones on the suppression list, as digits, in no order.

        >>> producer.suppress(["+380 66 123-12-31"])
        1
        >>> list(producer.suppressed())
        ['380661231231']
        """
        with queue_errors():
            yield from self._ledger.suppressions.all()

    def suppressions(self) -> Iterator[Suppression]:
        """Return the phones on the suppression list with their sources, in no order.

        A source is `here`, or `bsg:ACCOUNT` for BSG's stop list of an account. A phone may come more than once if the
        list changes meanwhile.

        >>> producer.suppress([380661231231])
        1
        >>> [(one.phone, one.sources) for one in producer.suppressions()]
        [('380661231231', ('here',))]
        """
        with queue_errors():
            yield from self._ledger.suppressions.with_sources()
