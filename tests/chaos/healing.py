"""After the faults: everything is mended, and every batch that needs an operator is decided by what BSG truly has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from bsg_ledger.records import Batch, CampaignStatus
from bsg_ledger.states import BatchState
from bsg_producer import CampaignInvalid
from tests.chaos.campaigns import KEYS
from tests.chaos.environment import ChaosEnvironment
from tests.chaos.plan import PRODUCERS, STREAM_PRODUCERS
from tests.chaos.producer_process import FINISH

TIMEOUT_SECONDS = (
    420.0  # without any campaign becoming final: a chunk's lease, a lost wake-up, a poll cut short, in turn
)
QUIET_SECONDS = (
    12.0  # longer than any lease and request: then nothing is on the wire that an operator could not know of
)
LOOK_EVERY_SECONDS = 2.0
MAX_SECONDS_BETWEEN_LOOKS = 60.0  # a look may take long only because the machine is busy
SHARE_OF_LOOKING = 0.2  # of the time: thousands of campaigns are not read over and over beside those who heal


@dataclass(slots=True)
class Healed:
    """How it went. `unfinished` names the campaigns that were not final in the end."""

    seconds: float = 0.0
    resolved_as_sent: int = 0
    resolved_as_not_sent: int = 0
    messages_retried: int = 0
    unfinished: list[str] = field(default_factory=list)


class Healing:
    def __init__(self, environment: ChaosEnvironment, on_tick: Callable[[str], None]) -> None:
        self._environment = environment
        self._on_tick = on_tick
        self._healed = Healed()
        self._waiting_for: list[str] = []
        self._done: set[str] = set()
        self._retries: set[str] = set()

    def heal(self) -> Healed:
        """Return when every campaign is final, or when none has become final within the timeout."""
        began = done_at = time.monotonic()
        self._mend()
        self._run(QUIET_SECONDS)
        while True:
            looked_at, done = time.monotonic(), len(self._done)
            self._waiting_for = [*self._producing(), *self._unfinished()]
            if not self._waiting_for:
                break
            now = time.monotonic()
            if len(self._done) > done:
                done_at = now
            elif now - done_at > TIMEOUT_SECONDS:
                self._healed.unfinished = self._waiting_for
                break
            pause = (now - looked_at) / SHARE_OF_LOOKING
            self._run(min(max(pause, LOOK_EVERY_SECONDS), MAX_SECONDS_BETWEEN_LOOKS))
        self._healed.seconds = time.monotonic() - began
        return self._healed

    def _mend(self) -> None:
        environment = self._environment
        environment.redis.restart()
        for proxy in environment.proxies.values():
            proxy.heal()
        environment.sandbox.heal()
        environment.processes.thaw()
        for name in (*PRODUCERS, *STREAM_PRODUCERS):
            environment.processes.by_name[name].may_end = True
        (environment.directory / FINISH).touch()

    def _run(self, seconds: float) -> None:
        stop_at = time.monotonic() + seconds
        while time.monotonic() < stop_at:
            self._environment.run_for(0.2)
            self._on_tick(f"waiting for {named(self._waiting_for, at_most=3)}" if self._waiting_for else "healing")

    def _producing(self) -> list[str]:
        names = (*PRODUCERS, *STREAM_PRODUCERS)
        return [name for name in names if not self._environment.processes.by_name[name].ended]

    def _unfinished(self) -> list[str]:
        producer = self._environment.producer
        for account in KEYS:
            if not producer.gate(account=account).open:
                producer.open_gate(account=account)
        for stream in producer.streams():
            if stream.paused:
                producer.stream(stream.name).resume()
        unfinished = []
        arrivals: Mapping[int, Sequence[int]] | None = None
        for summary in producer.campaigns():
            if summary.campaign_id in self._done:
                continue
            status = producer.status(summary.campaign_id)
            if _is_done(status) and not self._retried(status):
                self._done.add(status.campaign_id)
                continue
            unfinished.append(status.campaign_id)
            if status.paused:
                producer.resume(status.campaign_id)
            for batch in status.batches:
                if batch.needs_operator and batch.state == BatchState.UNCONFIRMED:
                    if arrivals is None:
                        arrivals = self._environment.sandbox.recipients()
                    self._resolve(batch, status, arrivals)
        return unfinished

    def _retried(self, status: CampaignStatus) -> bool:
        """Half of what BSG refused is sent once more, as an operator may want it whose account works again."""
        chance = Random(f"{self._environment.seed}: retry {status.name}")
        if not status.counts["refused"] or status.campaign_id in self._retries or chance.random() < 0.5:
            return False
        self._retries.add(status.campaign_id)
        try:
            messages = self._environment.producer.retry(status.campaign_id)
        except CampaignInvalid:
            return False  # cancelled, or its deadline has passed
        self._healed.messages_retried += messages
        return messages > 0

    def _resolve(self, batch: Batch, status: CampaignStatus, arrivals: Mapping[int, Sequence[int]]) -> None:
        """What an operator does who looks the batch's recipients up at BSG."""
        phones = self._environment.phones(status, batch.id)
        at_bsg = sorted({bsg_id for phone in phones for bsg_id in arrivals.get(phone, [])})
        try:
            if at_bsg:
                self._environment.producer.resolve(batch.id, sent=at_bsg[0])
                self._healed.resolved_as_sent += 1
            else:
                self._environment.producer.resolve(batch.id, not_sent=True)
                self._healed.resolved_as_not_sent += 1
        except CampaignInvalid:
            return  # it has moved on by itself meanwhile, or will be asked about again


def named(names: Sequence[str], *, at_most: int) -> str:
    left = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {left} more" if left > 0 else "")


def _is_done(status: CampaignStatus) -> bool:
    """Final, and what BSG dropped without a word is found out: its total is the size of each batch."""
    return status.state.final and all(
        batch.total_messages == batch.size for batch in status.batches if batch.state == BatchState.FINISHED
    )
