"""What a run prints: of what it is made, how it went, and what stands still if it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bsg_broker.queues import STATUS_QUEUE, dispatch_queue
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from tests.chaos.report import say
from tests.load.campaigns import LoadCampaign, SizeClass
from tests.load.checker import CheckResult
from tests.load.environment import BATCH_SIZE, LoadEnvironment, RedisMemory
from tests.load.fairness import MAX_MEDIAN, MAX_NINETY_FIFTH, Fairness, Sent, Spread
from tests.load.memory import MIB, Memory

__all__ = ["Figures", "composition", "figures", "say", "what_stands_still"]

MAX_WORKER_MEMORY = 200 * MIB
REMAINING_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to. Moments are seconds since 1970.

    `sending_from`: when the first request left. Redis's memory: before the first message, when all of the bulk was
    queued, and at the end.
    """

    began: float
    sending_from: float
    final_at: float
    sent: Sequence[Sent]
    fairness: Fairness
    check: CheckResult
    memory: Memory
    redis_empty: RedisMemory
    redis_queued: RedisMemory
    redis_full: RedisMemory

    @property
    def memory_bounded(self) -> bool:
        return (self.memory.peak("worker") or 0) <= MAX_WORKER_MEMORY

    @property
    def hold(self) -> bool:
        return self.check.proves_the_promise and self.memory_bounded and self.fairness.holds


def composition(campaigns: Sequence[LoadCampaign]) -> str:
    lines = [f"campaigns         {len(campaigns)} of {_sum(campaigns)} messages, in batches of {BATCH_SIZE}"]
    for size_class in SizeClass:
        of_class = [campaign for campaign in campaigns if campaign.size_class is size_class]
        if of_class:
            sizes = [campaign.size for campaign in of_class]
            lines.append(f"  {size_class:<15} {len(of_class)} of {min(sizes)} to {max(sizes)}, {sum(sizes)} messages")
    return "\n".join(lines)


def figures(run: Figures) -> str:
    of_the_bulk = [each for each in run.sent if each.campaign.size_class is not SizeClass.SMALL]
    queued = sum(each.campaign.size for each in of_the_bulk)
    enqueued_after = max(each.enqueued_at for each in of_the_bulk) - run.began
    last_taken = max(max(each.taken_at) for each in run.sent)
    sent_after = last_taken - run.sending_from
    return "\n".join(
        [
            f"enqueued          {queued} messages of large and medium campaigns in {enqueued_after:.1f} s:"
            f" {queued / enqueued_after:.0f} a second; then the workers start",
            f"sent              all messages in {sent_after:.1f} s: {run.check.arrived / sent_after:.0f} a second;"
            f" the last small campaign was enqueued after {_last_small(run):.1f} s",
            f"final             the last campaign after {run.final_at - run.sending_from:.1f} s",
            "waiting time      until BSG has the first batch, and the last: median / 95th percentile / most; from the",
            "                  moment it is enqueued; for a large or a medium one, from the first request of all",
            *_waits(run),
            *_fairness(run.fairness),
            f"memory            {_held(run.memory)} at most",
            f"  a worker grew   {_mib(run.memory.growth('worker', run.sending_from, last_taken))}"
            " from the first to the last quarter of the sending",
            f"  Redis           {_mib(run.redis_full.peak)} at most, {_mib(run.redis_empty.used)} when empty;"
            f" {(run.redis_queued.used - run.redis_empty.used) / queued:.0f} bytes a queued message",
            f"arrived           {run.check.arrived}",
            f"rejected          {_counted(run.check.rejected_because)}",
            f"lost              {run.check.lost}",
            f"doubled           {run.check.doubled}",
            f"misreported       {run.check.misreported + run.check.unknown}",
            f"campaigns wrong   {run.check.campaigns_wrong}",
            *_broken(run),
        ]
    )


def what_stands_still(environment: LoadEnvironment) -> str:
    remaining = [summary for summary in environment.producer.campaigns() if not summary.state.final]
    queues = environment.queue_lengths((dispatch_queue(DEFAULT_ACCOUNT), STATUS_QUEUE))
    lines = [
        f"{len(remaining)} campaigns are not final: {_counted(Counter(summary.state for summary in remaining))}",
        f"gate {environment.producer.gate()}; queues {queues}",
    ]
    for summary in remaining[:REMAINING_SHOWN]:
        lines.append(f"{summary.campaign_id} {summary.name} {summary.state}: {_counted(summary.counts)}")
        lines += [f"    {each}" for each in environment.producer.status(summary.campaign_id).transitions[-3:]]
    return "\n".join(lines)


def _last_small(run: Figures) -> float:
    times = [each.enqueued_at for each in run.sent if each.campaign.size_class is SizeClass.SMALL]
    return max(times, default=run.sending_from) - run.sending_from


def _waits(run: Figures) -> Iterable[str]:
    for size_class in SizeClass:
        of_class = [each for each in run.sent if each.campaign.size_class is size_class]
        if of_class:
            since = [max(each.enqueued_at, run.sending_from) for each in of_class]
            first = Spread.of([min(each.taken_at) - at for each, at in zip(of_class, since, strict=True)])
            last = Spread.of([max(each.taken_at) - at for each, at in zip(of_class, since, strict=True)])
            yield f"  {size_class:<15} first {_seconds(first)}; last {_seconds(last)}"


def _fairness(fairness: Fairness) -> Iterable[str]:
    yield (
        f"fairness          {fairness.measured} small campaigns met a backlog of large and medium ones;"
        " of its batches went ahead of them:"
    )
    if fairness.shares is not None and fairness.batches is not None:
        share, batches = fairness.shares, fairness.batches
        yield (
            f"  share           {share.median:.1%} / {share.ninety_fifth:.1%} / {share.most:.1%}"
            f" (bounds: {MAX_MEDIAN:.0%} / {MAX_NINETY_FIFTH:.0%})"
        )
        yield f"  batches         {batches.median:.0f} / {batches.ninety_fifth:.0f} / {batches.most:.0f}"


def _broken(run: Figures) -> Iterable[str]:
    if not run.check.proves_the_promise:
        yield "BROKEN: not every message is there once, or accounted for"
    if not run.memory_bounded:
        yield f"BROKEN: a worker held more than {_mib(MAX_WORKER_MEMORY)}"
    if not run.fairness.holds:
        yield "BROKEN: small campaigns wait behind large ones"


def _held(memory: Memory) -> str:
    return ", ".join(f"{kind} {_mib(memory.peak(kind))}" for kind in ("worker", "status worker", "producer", "sandbox"))


def _mib(held: int | None) -> str:
    return "not measured" if held is None else f"{held / MIB:.0f} MiB"


def _seconds(spread: Spread) -> str:
    return f"{spread.median:.1f} / {spread.ninety_fifth:.1f} / {spread.most:.1f} s"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if number) or "none"


def _sum(campaigns: Iterable[LoadCampaign]) -> int:
    return sum(campaign.size for campaign in campaigns)
