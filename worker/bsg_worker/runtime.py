"""What the verbs work with for one account."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import redis

from bsg_broker.doorbell import Doorbell
from bsg_client.bsg_client import BSGClient
from bsg_client.failed_requests import note_failures
from bsg_client.outcomes import ReadFailed
from bsg_config import clock
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.gate import Gate
from bsg_ledger.ledger import Ledger
from bsg_ledger.limiter import LONGEST_RESERVATION, LONGEST_SLOT_WAIT, Later, Limiter
from bsg_ledger.measurements import Measurements
from bsg_ledger.witness import Witness
from bsg_messages.body_seal import BodySeal
from bsg_worker.bsg_time import BSGTime
from bsg_worker.reconcile.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's connections and one account's limits.

    `permits` bounds the requests that the process has on the wire at once for the account: who waits for a slot of its
    limit holds one, and must not keep other accounts from theirs. `witness` and `looking` are the process's.
    """

    settings: Settings
    redis: redis.Redis
    ledger: Ledger
    client: BSGClient
    submit_limiter: Limiter
    status_limiter: Limiter
    doorbell: Doorbell
    permits: threading.BoundedSemaphore
    bsg_time: BSGTime
    witness: Witness
    measurements: Measurements
    seal: BodySeal
    evidence: Evidence = field(default_factory=Evidence)
    # Held by the one thread of the process that looks for what is in doubt.
    looking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def account(self) -> str:
        return self.settings.account

    @property
    def gate(self) -> Gate:
        return self.ledger.gate(self.account)

    @property
    def lease_ms(self) -> int:
        return int(self.settings.lease_seconds * 1000)

    @property
    def ask_after_ms(self) -> int:
        """How old must be what BSG may not show yet, before a person is asked about it."""
        return int(2 * self.settings.bsg_confirm_within * 1000)

    def queue_length(self, queue: str) -> int:
        """How many bells wait in a queue of the broker, which is the ledger's own Redis."""
        return int(self.redis.llen(queue))


def build(
    settings: Settings,
    *,
    patience: float = LONGEST_RESERVATION,
    beside: Sequence[Settings] = (),
    first: Runtime | None = None,
) -> Runtime:
    """Connects nothing yet: every connection is made at its first use.

    `patience`: how many seconds a status request may wait for its slot of the rate limit before it fails. `beside` are
    the process's other accounts; `first` is the runtime of one of them, which shares what the process has once.
    """
    settings.require_api_key()
    client = connect(settings) if first is None else first.redis
    ledger = Ledger(
        client, relaxed=settings.queue_durability == "relaxed", timeout_ms=int(settings.queue_timeout * 1000)
    )
    status_limiter = Limiter(client, settings.account, "status", settings.bsg_status_rate_limit)
    submit_limiter = Limiter(client, settings.account, "submit", settings.bsg_rate_limit, settings.bsg_rate_burst)
    return Runtime(
        settings=settings,
        redis=client,
        ledger=ledger,
        client=BSGClient.connected(
            settings,
            client,
            before_read=lambda: _wait_for_slot(status_limiter, patience),
            before_second_post=lambda: _wait_for_slot(submit_limiter, LONGEST_SLOT_WAIT),
            observe=note_failures(ledger.failures(settings.account)),
        ),
        submit_limiter=submit_limiter,
        status_limiter=status_limiter,
        doorbell=Doorbell(client),
        permits=threading.BoundedSemaphore(settings.worker_in_flight),
        bsg_time=BSGTime(ledger.learnt_zone(settings.account), settings.bsg_timezone),
        witness=ledger.witness([one.account for one in (settings, *beside)]) if first is None else first.witness,
        measurements=Measurements(client, settings.account),
        seal=BodySeal(settings.body_key),
        looking=threading.Lock() if first is None else first.looking,
    )


def _wait_for_slot(limiter: Limiter, at_most: float) -> None:
    """Sleeps until a request may leave; raises `ReadFailed` when that is over `at_most` seconds off.

    A look at a batch is several requests, and begins anew if one of them is given up. So reading waits longer for its
    slots than sending does, and even a low limit leaves room for a whole look.
    """
    stop_at = clock.monotonic() + at_most
    while isinstance(slot := limiter.reserve(min(at_most, LONGEST_RESERVATION)), Later):
        if clock.monotonic() + slot.retry_in > stop_at:
            raise ReadFailed(f"no request for {slot.retry_in:.1f} s: rate limit")
        clock.sleep(slot.retry_in)
    clock.sleep(slot.wait)


def new_token() -> str:
    """A name for one holder of one lease."""
    return secrets.token_hex(8)
