"""A web app that enqueues: `python -m tests.chaos.producer_process DIRECTORY SEED NUMBER`.

It goes on from its journal when it is started again after a kill, and ends when the file `finish` appears in the
directory and nothing of its own is unanswered.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bsg_producer import EnqueueUnconfirmed, Producer, QueueNotDurable, QueueUnavailable
from tests.chaos.campaigns import ChaosCampaign
from tests.chaos.journal import Journal, enqueued

PAUSE_SECONDS = (0.1, 1.2)
RETRY_SECONDS = (0.1, 0.6)
FINISH = "finish"


class ProducerProcess:
    def __init__(self, directory: Path, seed: int, producer: int) -> None:
        self._seed = seed
        self._producer = producer
        self._finish = directory / FINISH
        self._journal = Journal(journal_path(directory, producer))
        self._web_app = Producer()
        self._chance = Random(f"{seed}: pauses of {producer}")

    def run(self) -> None:
        known = enqueued(self._journal.entries())
        number = max(known, default=-1) + 1
        for campaign in known.values():
            if campaign.is_open:
                self._enqueue(ChaosCampaign.drawn(self._seed, self._producer, campaign.number), after_failure=True)
        while not self._finish.exists():
            self._enqueue(ChaosCampaign.drawn(self._seed, self._producer, number))
            number += 1
            time.sleep(self._chance.uniform(*PAUSE_SECONDS))

    def _enqueue(self, campaign: ChaosCampaign, *, after_failure: bool = False) -> None:
        """Try until there is a receipt; some web apps give up after the first failure instead."""
        while True:
            if after_failure and campaign.given_up_after_failure:
                self._journal.note(campaign.number, "given up")
                return
            if self._try(campaign):
                return
            after_failure = True
            time.sleep(self._chance.uniform(*RETRY_SECONDS))

    def _try(self, campaign: ChaosCampaign) -> bool:
        deadline = None
        if campaign.deadline_seconds is not None:
            deadline = datetime.now(UTC) + timedelta(seconds=campaign.deadline_seconds)
        self._journal.note(campaign.number, "trying")
        try:
            receipt = self._web_app.enqueue(
                campaign.messages(),
                sender="MyShop",
                text=campaign.text,
                priority=campaign.priority,
                deadline=deadline,
                idempotency_key=campaign.key,
                name=campaign.key,
                account=campaign.account,
            )
        except (QueueUnavailable, QueueNotDurable) as error:
            self._journal.note(campaign.number, "unavailable", str(error))
            return False
        except EnqueueUnconfirmed:
            self._journal.note(campaign.number, "unconfirmed")
            return False
        except Exception as error:  # an exception that is not documented is a finding
            self._journal.note(campaign.number, "failed", f"{type(error).__name__}: {error}")
            raise
        self._journal.note(campaign.number, "receipt", receipt.campaign_id)
        self._think_again(campaign, receipt.campaign_id)
        return True

    def _think_again(self, campaign: ChaosCampaign, campaign_id: str) -> None:
        if campaign.second_thoughts == "none":
            return
        time.sleep(self._chance.uniform(*RETRY_SECONDS))
        with suppress(QueueUnavailable, QueueNotDurable):
            if campaign.second_thoughts == "cancel":
                self._web_app.cancel(campaign_id)
            elif campaign.second_thoughts == "suppress":
                self._web_app.suppress(campaign.opting_out())
            else:
                self._web_app.pause(campaign_id)


def journal_path(directory: Path, producer: int) -> Path:
    return directory / f"producer{producer}.journal"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ProducerProcess(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])).run()
