"""One run of the load, from the first start to the check."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bsg_ledger.records import CampaignSummary
from tests.load.campaigns import LoadCampaign, SizeClass, drawn
from tests.load.checker import Checker, CheckResult
from tests.load.environment import LoadEnvironment, Size
from tests.load.fairness import Sent, fairness_of
from tests.load.memory import Memory
from tests.load.report import Figures, composition, figures, say, what_stands_still
from tests.servers import Kind

LOOK_EVERY_SECONDS = 0.5
REPORT_EVERY_SECONDS = 10.0
NO_PROGRESS_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the run is: campaigns with a receipt, messages that arrived, campaigns that are final."""

    enqueued: int = 0
    arrived: int = 0
    final: int = 0


class NothingMoves(Exception):
    """For too long nothing was enqueued, arrived or became final, or a process ended; the message says what it was."""


def run(directory: Path, *, seed: int, size: Size, server_kind: Kind) -> bool:
    """Print what it came to; return whether nothing was lost or doubled, memory was bounded and small ones fair."""
    campaigns = drawn(seed, messages=size.messages, campaigns=size.campaigns)
    say(f"load: seed {seed}, {size.workers} workers, BSG at {size.latency * 1000:g} ms, {server_kind} server")
    say(composition(campaigns))
    of_the_bulk = sum(campaign.size_class is not SizeClass.SMALL for campaign in campaigns)
    with LoadEnvironment(directory, seed, size, server_kind) as environment:
        watch = Watch(environment)
        empty = environment.redis_memory()
        began = time.time()
        environment.start_producers()
        try:
            # The workers find all of the bulk waiting, as after a night's outage: a line to be unfair in.
            watch.until(lambda progress: progress.enqueued >= of_the_bulk)
            queued = environment.redis_memory()
            environment.start_workers()
            watch.until(lambda progress: progress.final == size.campaigns)
        except NothingMoves as stalled:
            say(str(stalled))
            return False
        final_at = time.time()
        full = environment.redis_memory()
        check, sent = _judged(environment, campaigns, list(environment.producer.campaigns()))
    if not sent:
        say(f"Nothing arrived: {check}")
        return False
    result = Figures(
        began=began,
        sending_from=min(min(each.taken_at) for each in sent) - size.latency,
        final_at=final_at,
        sent=sent,
        fairness=fairness_of(sent, on_the_wire=size.workers * environment.settings.worker_in_flight),
        check=check,
        memory=watch.memory,
        redis_empty=empty,
        redis_queued=queued,
        redis_full=full,
    )
    say(figures(result))
    return result.hold


class Watch:
    """Looks at the run twice a second: its memory, whether it moves, and a line every ten seconds."""

    def __init__(self, environment: LoadEnvironment) -> None:
        self.memory = Memory()
        self._environment = environment
        self._began = self._moved_at = self._reported_at = time.monotonic()
        self._before = Progress()

    def until(self, reached: Callable[[Progress], bool]) -> None:
        """Raise NothingMoves."""
        while not reached(self._before):
            time.sleep(LOOK_EVERY_SECONDS)
            self._look()

    def _look(self) -> None:
        self.memory.look(self._environment.process_ids())
        now, progress = time.monotonic(), _progress(self._environment)
        if progress != self._before:
            self._moved_at, self._before = now, progress
        if now - self._reported_at >= REPORT_EVERY_SECONDS:
            self._reported_at = now
            say(
                f"{now - self._began:5.0f} s: {progress.enqueued} campaigns enqueued, {progress.arrived} messages"
                f" arrived, {progress.final} campaigns final"
            )
        if ended := self._environment.ended_badly():
            raise NothingMoves(f"A process ended:\n{ended}")
        if now - self._moved_at > NO_PROGRESS_SECONDS:
            raise NothingMoves(f"Nothing moved for {NO_PROGRESS_SECONDS:g} s. {what_stands_still(self._environment)}")


def _progress(environment: LoadEnvironment) -> Progress:
    return Progress(
        enqueued=len(environment.receipts()),
        arrived=environment.sandbox.control.summary().messages,
        final=len(environment.ledger.due_indexes.closed_before(environment.ledger.due_indexes.now_ms())),
    )


def _judged(
    environment: LoadEnvironment, campaigns: Sequence[LoadCampaign], summaries: Sequence[CampaignSummary]
) -> tuple[CheckResult, list[Sent]]:
    receipts = environment.receipts()
    checker = Checker(campaigns, receipts, [(summary.name, summary.campaign_id) for summary in summaries])
    taken_at: dict[int, list[float]] = {}
    for arrival in environment.sandbox.control.arrivals():
        number = checker.arrived(arrival)
        if number is not None:
            taken_at.setdefault(number, []).append(arrival.created_at)
    for campaign in campaigns:
        for campaign_id in receipts.get(campaign.number, ()):
            checker.rejected(campaign, environment.producer.rejects(campaign_id))
    return checker.result(), _sent(campaigns, summaries, taken_at)


def _sent(
    campaigns: Sequence[LoadCampaign], summaries: Sequence[CampaignSummary], taken_at: Mapping[int, list[float]]
) -> list[Sent]:
    accepted_at = {summary.name: summary.accepted_at.timestamp() for summary in summaries}
    return [
        Sent(campaign, accepted_at[campaign.key], taken_at[campaign.number])
        for campaign in campaigns
        if campaign.key in accepted_at and campaign.number in taken_at
    ]
