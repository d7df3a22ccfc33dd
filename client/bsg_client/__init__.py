"""A client of BSG One API: requests and their outcomes."""

from bsg_client.bsg_client import BSGClient
from bsg_client.outcomes import AccountReason, Outcome, OutcomeKind, ReadFailed
from bsg_client.responses import Balance, CampaignDetail, CampaignResponse, MessageRow
from bsg_client.tokens import TokenStore

__all__ = [
    "AccountReason",
    "BSGClient",
    "Balance",
    "CampaignResponse",
    "CampaignDetail",
    "MessageRow",
    "Outcome",
    "OutcomeKind",
    "ReadFailed",
    "TokenStore",
]
