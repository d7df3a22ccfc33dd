"""Holds what arrived at BSG against what was enqueued: every message once, or a reject with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from bsg_messages.reference_ids import campaign_and_index
from bsg_producer import Reject
from bsg_sandbox.record import Arrival
from tests.load.campaigns import LoadCampaign, message_of


@dataclass(slots=True)
class CheckResult:
    """What a run came to, in messages. `misreported`: what arrived and is a reject too, or has another's reference id.

    `unknown`: what arrived and no campaign has. `campaigns_wrong`: without a receipt, with two, or not in the ledger.
    """

    arrived: int = 0
    lost: int = 0
    doubled: int = 0
    misreported: int = 0
    unknown: int = 0
    campaigns_wrong: int = 0
    rejected_because: Counter[str] = field(default_factory=Counter)

    @property
    def proves_the_promise(self) -> bool:
        wrong = self.lost + self.doubled + self.misreported + self.unknown + self.campaigns_wrong
        return self.arrived > 0 and wrong == 0


class Checker:
    """`receipts`: the ids that `enqueue` returned, by the campaign's number. `known`: name and id of the ledger's."""

    def __init__(
        self,
        campaigns: Sequence[LoadCampaign],
        receipts: Mapping[int, AbstractSet[str]],
        known: Sequence[tuple[str, str]],
    ) -> None:
        self._campaigns = campaigns
        self._ids = {number: next(iter(ids)) for number, ids in receipts.items()}
        self._times = [bytearray(campaign.size) for campaign in campaigns]  # how often each message arrived
        self._rejected: set[tuple[int, int]] = set()
        self._result = CheckResult(
            campaigns_wrong=len({(campaign.key, self._ids.get(campaign.number)) for campaign in campaigns} ^ set(known))
            + sum(len(ids) - 1 for ids in receipts.values())
        )

    def arrived(self, arrival: Arrival) -> int | None:
        """Take one campaign of BSG's down; return the number of the campaign that its first message is of."""
        number: int | None = None
        for phone, reference_id in zip(arrival.phones, arrival.references, strict=True):
            of, index = message_of(phone)
            if of >= len(self._campaigns) or index >= self._campaigns[of].size:
                self._result.unknown += 1
                continue
            number = of if number is None else number
            self._result.arrived += 1
            self._times[of][index] = min(self._times[of][index] + 1, 255)
            if reference_id is None or campaign_and_index(reference_id) != (self._ids.get(of), index):
                self._result.misreported += 1
        return number

    def rejected(self, campaign: LoadCampaign, rejects: Iterable[Reject]) -> None:
        """Take the campaign's rejects down."""
        for reject in rejects:
            self._result.rejected_because[reject.code] += 1
            self._rejected.add((campaign.number, reject.index))
            if self._times[campaign.number][reject.index] or not campaign.is_bad(reject.index):
                self._result.misreported += 1

    def result(self) -> CheckResult:
        """To be asked when everything has been taken down."""
        for times in self._times:
            self._result.lost += times.count(0)
            self._result.doubled += len(times) - times.count(0) - times.count(1)
        self._result.lost -= sum(not self._times[number][index] for number, index in self._rejected)
        return self._result
