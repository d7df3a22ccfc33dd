"""Carries the plan out, fault by fault, and takes each back when its time is over."""

from __future__ import annotations

import heapq
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count

from redis.exceptions import RedisError

from bsg_producer import QueueNotDurable, QueueUnavailable
from tests.chaos.campaigns import KEYS
from tests.chaos.environment import ChaosEnvironment
from tests.chaos.plan import STREAM_PRODUCERS, Fault
from tests.failpoints.arming import arm, armed
from tests.failpoints.effects import ACCEPT_MESSAGES
from tests.lossy_proxy import TROUBLES

AFTER_COMMIT = f"after {ACCEPT_MESSAGES}"
SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "freeze": signal.SIGSTOP}

End = Callable[[], None]


class Faults:
    """`happened` counts by subject and kind: of processes that were down already, nothing is counted."""

    def __init__(self, environment: ChaosEnvironment) -> None:
        self._environment = environment
        self._lasting: set[str] = set()
        self.happened: Counter[tuple[str, str]] = Counter()

    def carry_out(self, planned: Sequence[Fault], seconds: float, on_tick: Callable[[float], None]) -> None:
        """Return when so many seconds are over; what still lasts then is for `Healing` to end."""
        began = time.monotonic()
        order = count()
        coming: list[tuple[float, int, Callable[[], None]]] = []

        def at(moment: float, action: Callable[[], None]) -> None:
            heapq.heappush(coming, (moment, next(order), action))

        def begin(fault: Fault) -> None:
            if fault.target in self._lasting:
                return  # a slow machine is behind the plan, and the fault before is not over
            end = self._begin(fault)
            if end is not None:
                self._lasting.add(fault.target)
                at(time.monotonic() - began + fault.lasts, lambda: finish(fault, end))

        def finish(fault: Fault, end: End) -> None:
            self._lasting.discard(fault.target)
            end()

        for fault in planned:
            at(fault.at, lambda fault=fault: begin(fault))  # type: ignore[misc]
        while (elapsed := time.monotonic() - began) < seconds:
            on_tick(elapsed)
            while coming and coming[0][0] <= elapsed:
                heapq.heappop(coming)[2]()
            self._environment.run_for(0.05)

    def kills(self) -> dict[str, int]:
        """Processes and Redis, by how they were ended or frozen."""
        coming = sum(len(armed(self._environment.processes.armed(name))) for name in STREAM_PRODUCERS)
        return {
            **{kind: self.happened["process", kind] for kind in SIGNALS},
            "kill after a commit": self.happened["sender", "kill"] - coming,
            **{f"redis {kind}": self.happened["redis", kind] for kind in ("kill", "stop", "pause", "fill")},
        }

    def _begin(self, fault: Fault) -> End | None:
        begin = {
            "process": self._process,
            "sender": self._sender,
            "redis": self._redis,
            "network": self._network,
            "bsg": self._bsg,
            "operator": self._operator,
            "stream": self._stream,
        }[fault.subject]
        return begin(fault)

    def _process(self, fault: Fault) -> End | None:
        processes = self._environment.processes
        if not processes.signal(fault.target, SIGNALS[fault.kind]):
            return None
        self.happened["process", fault.kind] += 1
        if fault.kind != "freeze":
            return None
        frozen = processes.by_name[fault.target].process
        return None if frozen is None else lambda: frozen.send_signal(signal.SIGCONT)

    def _sender(self, fault: Fault) -> None:
        """The process dies at its next commit; a fault of one that has still to die is none."""
        directory = self._environment.processes.armed(fault.target)
        if not armed(directory):
            arm(directory, AFTER_COMMIT)
            self.happened["sender", fault.kind] += 1

    def _redis(self, fault: Fault) -> End | None:
        redis = self._environment.redis
        self.happened["redis", fault.kind] += 1
        match fault.kind:
            case "stop":
                redis.stop()
                return redis.start
            case "kill":
                redis.kill()
                return redis.start
            case "pause":
                redis.pause()
                return redis.resume
            case _:
                self._limit_memory(1)
                return lambda: self._limit_memory(0)

    def _limit_memory(self, most_bytes: int) -> None:
        with suppress(RedisError), self._environment.redis.client() as client:
            client.config_set("maxmemory", most_bytes)

    def _network(self, fault: Fault) -> End:
        proxy = self._environment.proxies[fault.target]
        self.happened["network", fault.kind] += 1
        proxy.trouble(next(kind for kind in TROUBLES if kind == fault.kind), **fault.options)
        return proxy.ease

    def _bsg(self, fault: Fault) -> None:
        self.happened["bsg", fault.kind] += 1
        if fault.kind == "calm":
            self._environment.sandbox.calm()
        else:
            self._environment.sandbox.fault(fault.kind, **fault.options)

    def _operator(self, fault: Fault) -> None:
        with suppress(QueueUnavailable, QueueNotDurable):
            for account in KEYS:
                self._environment.hasty.open_gate(account=account)
            self.happened["operator", fault.kind] += 1

    def _stream(self, fault: Fault) -> End | None:
        stream = self._environment.hasty.stream(fault.target)
        with suppress(QueueUnavailable, QueueNotDurable):
            if fault.kind == "pause":
                stream.pause()
            else:
                stream.cancel()
            self.happened["stream", fault.kind] += 1
        return self._resume_stream(fault.target) if fault.kind == "pause" else None

    def _resume_stream(self, name: str) -> End:
        def resume() -> None:
            with suppress(QueueUnavailable, QueueNotDurable):  # then `Healing` resumes it
                self._environment.hasty.stream(name).resume()

        return resume
