"""The plan of faults: what happens, to whom, when and for how long, drawn from the seed alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from random import Random
from typing import Any, Literal

from tests.chaos.messages import STREAMS
from tests.lossy_proxy import TROUBLES

Subject = Literal["process", "sender", "redis", "network", "bsg", "operator", "stream"]

WORKERS = ("worker0", "worker1", "worker2")
STATUS_WORKERS = ("status0", "status1")
BEATS = ("beat0", "beat1")
PRODUCERS = ("producer0", "producer1")
STREAM_PRODUCERS = ("streams2", "streams3")  # each is named by its number
PROXIES = ("workers-redis", "producers-redis", "workers-bsg")

MEAN_GAP_SECONDS = 1.0
SKEW_MINUTES = 10.0


@dataclass(frozen=True, slots=True)
class Fault:
    """`at`: seconds since the faults began. `lasts`: seconds until it is taken back, 0 where there is nothing to."""

    at: float
    subject: Subject
    target: str
    kind: str
    lasts: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)


def plan(seed: int, seconds: float) -> list[Fault]:
    """Return the faults of so many seconds. A longer plan of the same seed begins with the shorter one."""
    return list(takewhile(lambda fault: fault.at < seconds, _faults(Random(f"{seed}: plan"))))


def clock_skew(seed: int, process: str, start: int) -> float:
    """Return the seconds by which a process's wall clock is wrong from its `start`th start on: none, or minutes."""
    chance = Random(f"{seed}: clock of {process} {start}")
    return 0.0 if chance.random() < 0.5 else chance.uniform(-60 * SKEW_MINUTES, 60 * SKEW_MINUTES)


def _faults(chance: Random) -> Iterator[Fault]:
    at = 0.0
    busy: dict[str, float] = {}
    while True:
        at += chance.expovariate(1 / MEAN_GAP_SECONDS)
        draw = chance.choices(tuple(_DRAWN), tuple(_DRAWN.values()))[0]
        fault = draw(chance, at)
        # One fault at a time for each target: a second one would end with the first.
        if busy.get(fault.target, 0.0) <= at:
            busy[fault.target] = at + fault.lasts
            yield fault


def _of_process(chance: Random, at: float) -> Fault:
    group = chance.choices((WORKERS, STATUS_WORKERS, BEATS, PRODUCERS, STREAM_PRODUCERS), (5, 3, 2, 2, 1))[0]
    target = chance.choice(group)
    kind = chance.choices(("kill", "terminate", "freeze"), (5, 2, 3))[0]
    # Longer than a lease now and then, so that a process wakes up with a stale one in its hands.
    lasts = chance.choice((0.5, 2.0, 6.0, 9.0)) if kind == "freeze" else 0.0
    return Fault(at, "process", target, kind, lasts)


def _of_sender(chance: Random, at: float) -> Fault:
    """A web app dies between the commit of a message and its response."""
    return Fault(at, "sender", chance.choice(STREAM_PRODUCERS), "kill")


def _of_redis(chance: Random, at: float) -> Fault:
    kind = chance.choice(("stop", "kill", "pause", "fill"))
    return Fault(at, "redis", "redis", kind, chance.uniform(0.2, 5.0))


def _of_network(chance: Random, at: float) -> Fault:
    kind = chance.choice(TROUBLES)
    options = {"delay": round(chance.uniform(0.05, 1.5), 2)} if kind == "delay" else {}
    return Fault(at, "network", chance.choice(PROXIES), kind, chance.uniform(0.5, 4.0), options)


def _of_bsg(chance: Random, at: float) -> Fault:
    kind = chance.choice((*BSG_FAULTS, "calm"))
    if kind == "calm":
        return Fault(at, "bsg", "bsg", "calm")
    return Fault(at, "bsg", "bsg", kind, options={"times": chance.randint(1, 4), **BSG_FAULTS[kind](chance)})


def _of_operator(_: Random, at: float) -> Fault:
    """No fault: without it, lack of funds and a blocked account would leave the gate shut for most of a long run."""
    return Fault(at, "operator", "gate", "open")


def _of_stream(chance: Random, at: float) -> Fault:
    """An operator pauses a stream and resumes it, or cancels what it has."""
    kind = chance.choices(("pause", "cancel"), (4, 1))[0]
    lasts = chance.uniform(0.5, 4.0) if kind == "pause" else 0.0
    return Fault(at, "stream", chance.choice(tuple(STREAMS)), kind, lasts)


_DRAWN: Mapping[Callable[[Random, float], Fault], int] = {
    _of_process: 50,
    _of_sender: 12,
    _of_redis: 7,
    _of_network: 18,
    _of_bsg: 25,
    _of_operator: 8,
    _of_stream: 8,
}


def _anywhere(chance: Random) -> dict[str, Any]:
    return {"method": "GET", "path": "/api/*"} if chance.random() < 0.3 else {}


def _nothing(_: Random) -> dict[str, Any]:
    return {}


# Every kind of the sandbox, save `zone`, which the run's seed sets: BSG's does not change from response to response.
BSG_FAULTS: Mapping[str, Callable[[Random], dict[str, Any]]] = {
    "latency": lambda chance: {"seconds": round(chance.uniform(0.2, 1.5), 2), **_anywhere(chance)},
    "throttle": lambda chance: {"retry_after": chance.choice((None, 1, 2, "date")), **_anywhere(chance)},
    "server_error_before": lambda chance: {"status": chance.choice((500, 502, 503, 504)), **_anywhere(chance)},
    "server_error_after": lambda chance: {"status": chance.choice((500, 502, 503, 504))},
    "cut_before": lambda chance: {"after_bytes": chance.choice((None, 1, 500)), **_anywhere(chance)},
    "cut_after": _nothing,
    "silence_before": _anywhere,
    "silence_after": _nothing,
    "duplicate_notice_after": _nothing,
    "garbage_after": lambda chance: {"shape": chance.choice(("html", "broken_json", "empty", "no_id", "half"))},
    "no_funds": lambda chance: {"status": chance.choice((200, 402))},
    "user_blocked": lambda chance: {"status": chance.choice((200, 403))},
    "http_200_error": lambda chance: {"code": chance.choice((5, 7, 11, 12, 23, 25, 31, 33)), "status": 200},
    "token_expired": _nothing,
    "token_voided_by_second_login": _nothing,
    "rows_refused": lambda chance: {"rows": [0, chance.randint(1, 90)], "shape": chance.choice(("object", "list"))},
    "drop": lambda chance: {"rows": [chance.randint(0, 5)]},
    "duplicates": lambda chance: {"mode": chance.choice(("reject_whole", "drop_singly"))},
    "late_visibility": lambda chance: {"seconds": round(chance.uniform(0.5, 5), 2), "times": 15},
    "ignored_filters": lambda chance: {"times": chance.randint(2, 10)},
    # Within BSG_CONFIRM_WITHIN: a longer wrong total beside messages that are listed later still would be believed.
    "slow_totals": lambda chance: {"seconds": 0.3, "times": 5},
    "redirect": lambda chance: {"status": chance.choice((301, 302, 307, 308))},
    "endless_response": lambda chance: {"pause": chance.choice((0.0, 0.01))},
}
