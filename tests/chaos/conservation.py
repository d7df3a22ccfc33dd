"""Reads the campaigns of streams throughout a run: the messages of each by state are always those that it accepted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from bsg_ledger.records import CampaignSummary
from bsg_producer import Producer, QueueNotDurable, QueueUnavailable
from tests.chaos.findings import Fault, Finding

MIN_SECONDS, MAX_SECONDS = 0.5, 3.0  # between two reads
SHARE_OF_READING = 0.05  # of the time: a long run has a thousand of these campaigns


class ConservationWatch:
    """A thread that reads while the context lasts. `reads` counts campaigns; `accepted` is of the last time."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.reads = 0
        self.accepted = 0
        self.findings: list[Finding] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def check(self, campaigns: Iterable[CampaignSummary]) -> None:
        accepted = 0
        for campaign in campaigns:
            self.reads += 1
            accepted += campaign.counts["accepted"]
            by_state = {state: number for state, number in campaign.counts.items() if state != "accepted"}
            if sum(by_state.values()) != campaign.counts["accepted"] or min(by_state.values()) < 0:
                what = f"{campaign.name} accepted {campaign.counts['accepted']}, and has {by_state}"
                self.findings.append(Finding(Fault.MISREPORTED, what, campaign.campaign_id))
        self.accepted = accepted

    def _run(self) -> None:
        took = 0.0
        while not self._ended.wait(min(max(took / SHARE_OF_READING, MIN_SECONDS), MAX_SECONDS)):
            began = time.monotonic()
            with suppress(QueueUnavailable, QueueNotDurable):
                streams = [self._producer.stream(stream.name).status() for stream in self._producer.streams()]
                self.check([campaign for stream in streams for campaign in stream.campaigns])
            took = time.monotonic() - began
