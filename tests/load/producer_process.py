"""A web app that enqueues: `python -m tests.load.producer_process SEED MESSAGES CAMPAIGNS SANDBOX JOURNAL NUMBER`.

The last producer enqueues the small
campaigns, each when its share of the bulk has arrived at BSG; the others share the bulk, as fast as they can.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bsg_producer import EnqueueUnconfirmed, Producer, QueueNotDurable, QueueUnavailable
from bsg_sandbox.control import Control
from tests.chaos.journal import Journal
from tests.load.campaigns import LoadCampaign, SizeClass, bulk, drawn

BULK_PRODUCERS = 2
THREADS = 8  # of the web app that enqueues the small ones
LOOK_EVERY_SECONDS = 0.05
AGAIN_SECONDS = 0.5


class ProducerProcess:
    def __init__(self, campaigns: Sequence[LoadCampaign], sandbox: Control, journal: Journal) -> None:
        self._campaigns = campaigns
        self._sandbox = sandbox
        self._journal = journal
        self._web_app = Producer()

    def run(self, number: int) -> None:
        if number == BULK_PRODUCERS:
            self._enqueue_small()
            return
        large_ones = [each for each in self._campaigns if each.size_class is not SizeClass.SMALL]
        for campaign in large_ones[number::BULK_PRODUCERS]:
            self._enqueue(campaign)

    def _enqueue_small(self) -> None:
        bulk_size, share = bulk(self._campaigns), 0.0
        with ThreadPoolExecutor(THREADS) as threads:
            enqueued = []
            for campaign in self._campaigns:
                if campaign.size_class is not SizeClass.SMALL:
                    continue
                while share < campaign.starts_at:
                    time.sleep(LOOK_EVERY_SECONDS)
                    share = self._sandbox.summary().messages / bulk_size
                enqueued.append(threads.submit(self._enqueue, campaign))
            for each in enqueued:
                each.result()

    def _enqueue(self, campaign: LoadCampaign) -> None:
        for _ in range(2 if campaign.tried_twice else 1):
            self._journal.note(campaign.number, "receipt", self._receipt(campaign))

    def _receipt(self, campaign: LoadCampaign) -> str:
        """Return the campaign's id. Tries again, with its key, for as long as Redis does not respond in time."""
        while True:
            try:
                return self._web_app.enqueue(
                    campaign.messages(),
                    sender="MyShop",
                    text=campaign.text,
                    idempotency_key=campaign.key,
                    name=campaign.key,
                ).campaign_id
            except (QueueUnavailable, QueueNotDurable, EnqueueUnconfirmed) as error:
                self._journal.note(campaign.number, "unavailable", str(error))
                time.sleep(AGAIN_SECONDS)


def main(seed: str, messages: str, campaigns: str, sandbox_url: str, journal: str, number: str) -> None:
    load = drawn(int(seed), messages=int(messages), campaigns=int(campaigns))
    ProducerProcess(load, Control(sandbox_url), Journal(Path(journal))).run(int(number))


if __name__ == "__main__":
    main(*sys.argv[1:])
