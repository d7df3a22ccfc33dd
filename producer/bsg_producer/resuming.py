"""Resume a campaign, unless its spending cap would pause or hold it again at once."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from bsg_ledger.campaigns import Capped
from bsg_ledger.ledger import Ledger
from bsg_messages.errors import CampaignInvalid
from bsg_producer.campaign_arguments import check_cost

NO_CAP = "none"
_CENT = Decimal("0.01")
_STOPPED = {"max_cost": "paused", "max_cost_per_day": "held"}

Cap = float | Decimal | str | None


def check_cap(name: str, cap: Cap) -> str:
    """Return the argument of that name as the ledger takes it. Raise CampaignInvalid."""
    return "" if cap is None else NO_CAP if cap == NO_CAP else check_cost(name, cap)


def resume(ledger: Ledger, campaign_id: str, max_cost: Cap, max_cost_per_day: Cap = None) -> bool:
    """Return False if there is no such campaign.

    Raise CampaignInvalid, and change nothing, if a cap would pause or hold it again at once.
    """
    resumed = ledger.campaigns.resume(
        campaign_id,
        max_cost=check_cap("max_cost", max_cost),
        max_cost_per_day=check_cap("max_cost_per_day", max_cost_per_day),
    )
    if isinstance(resumed, Capped):
        stopped = f"The campaign would be {_STOPPED[resumed.limit]} again at once"
        raise CampaignInvalid({resumed.limit: [f"{stopped}: {_remedy(resumed)}"]})
    return resumed


def _remedy(capped: Capped) -> str:
    if not capped.total:
        return f"{capped.why}. Give {NO_CAP} to send the rest whatever it costs."
    total = Decimal(capped.total).quantize(_CENT, ROUND_UP)
    return f"{capped.why}. Give {total} or more, or {NO_CAP} to send the rest whatever it costs."
