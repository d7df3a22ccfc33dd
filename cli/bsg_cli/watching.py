"""Follow a campaign until it is final."""

from __future__ import annotations

from bsg_cli.errors import ExitCode
from bsg_cli.presenting import headline, print_counts, transition_line
from bsg_cli.printing import print_json
from bsg_ledger.states import CampaignState
from bsg_producer import Producer


def watch(producer: Producer, campaign_id: str, *, json: bool) -> ExitCode:
    """Print every transition as it happens, then the counts. Return OK if the campaign ends done, otherwise FAILED."""
    for transition in producer.watch(campaign_id):
        if json:
            print_json({"transition": transition})
        else:
            print(transition_line(transition), flush=True)
    status = producer.status(campaign_id)
    if json:
        print_json({"campaign_id": campaign_id, "state": status.state, "counts": status.counts})
    else:
        print(headline(status))
        print_counts(status.counts)
    return ExitCode.OK if status.state == CampaignState.DONE else ExitCode.FAILED
