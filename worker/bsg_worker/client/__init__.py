"""BSG One API from the workers' side: requests, and what became of them."""

from bsg_worker.client.answers import Balance, CampaignAnswer, CampaignDetail, MessageRow
from bsg_worker.client.bsg_client import BSGClient
from bsg_worker.client.outcomes import AccountReason, Outcome, OutcomeKind, ReadFailed, RowFault
from bsg_worker.client.tokens import TokenStore

__all__ = [
    "AccountReason",
    "BSGClient",
    "Balance",
    "CampaignAnswer",
    "CampaignDetail",
    "MessageRow",
    "Outcome",
    "OutcomeKind",
    "ReadFailed",
    "RowFault",
    "TokenStore",
]
