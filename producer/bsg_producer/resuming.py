"""Resume a paused campaign, unless its spending cap would pause it again at once."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from bsg_ledger.campaigns import Capped
from bsg_ledger.ledger import Ledger
from bsg_messages.errors import CampaignInvalid
from bsg_producer.campaign_arguments import check_cost

NO_CAP = "none"
_CENT = Decimal("0.01")


def resume(ledger: Ledger, campaign_id: str, max_cost: float | Decimal | str | None) -> bool:
    """Return False if there is no such campaign.

    Raise CampaignInvalid, and change nothing, if the cap would pause it again at once.
    """
    cap = "" if max_cost is None else NO_CAP if max_cost == NO_CAP else check_cost("max_cost", max_cost)
    resumed = ledger.campaigns.resume(campaign_id, max_cost=cap)
    if isinstance(resumed, Capped):
        raise CampaignInvalid({"max_cost": [f"The campaign would be paused again at once: {_remedy(resumed)}"]})
    return resumed


def _remedy(capped: Capped) -> str:
    if not capped.total:
        return f"{capped.why}. Give {NO_CAP} to send the rest whatever it costs."
    total = Decimal(capped.total).quantize(_CENT, ROUND_UP)
    return f"{capped.why}. Give {total} or more, or {NO_CAP} to send the rest whatever it costs."
