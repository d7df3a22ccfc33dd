from __future__ import annotations

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.designs import CELERY_CHUNKS, ONE_EACH, USUAL, Design
from benchmarks.designs.running import RunningDesign
from benchmarks.provider import Provider
from benchmarks.throughput import sent

LATENCIES = {"without latency": 0.0, "at 100 ms": 0.1}

# The slow ones would need hours for a million.
ONE_EACH_MESSAGES = {"without latency": (2_000, 300), "at 100 ms": (300, 60)}
CHUNKED_MESSAGES = {"without latency": (300_000, 40_000), "at 100 ms": (300_000, 40_000)}


def _figure(title: str, latency: str) -> str:
    return f"{title}, {latency}"


def _project(latency: str) -> Side:
    def measure(measurement: Measurement) -> Figures:
        way = sent(measurement, latency=LATENCIES[latency])
        return {_figure("this project", latency): way.rate_from_enqueue}

    return Side(_figure("this project", latency), measure)


def _design(design: Design, latency: str) -> Side:
    def measure(measurement: Measurement) -> Figures:
        sizes = CHUNKED_MESSAGES if design is CELERY_CHUNKS else ONE_EACH_MESSAGES
        with RunningDesign(measurement.directory, Provider(latency=LATENCIES[latency]), design) as running:
            return {_figure(design.title, latency): running.rate(measurement.size(*sizes[latency]))}

    return Side(_figure(design.title, latency), measure)


def _goals(latency: str, *, one_each: float, chunked: float) -> list[Goal]:
    project = _figure("this project", latency)
    each = tuple(_figure(design.title, latency) for design in ONE_EACH)
    chunks = (_figure(CELERY_CHUNKS.title, latency),)
    return [
        Goal(f"one task or job per message, {latency}", project, each, at_least=one_each, gross=one_each / 10),
        Goal(f"one task per 10 000, {latency}", project, chunks, at_least=chunked, gross=chunked / 7),
    ]


ROW = Row(
    what="messages a second from the first `enqueue`",
    against="the usual designs, written well with the same libraries",
    unit="messages/s",
    sides=[
        side for latency in LATENCIES for side in (_project(latency), *(_design(design, latency) for design in USUAL))
    ],
    goals=[
        *_goals("without latency", one_each=1_000, chunked=7),
        *_goals("at 100 ms", one_each=5_000, chunked=3.5),
    ],
    if_not_met=(
        "without latency, the two cores limit this project (`time_of_a_batch`). All processes share them, including "
        "the sandbox and the caller. The two cores limit the chunked design, too, but it does less for a batch: it "
        "writes no intent, does not wait for the disk before it posts, and records nothing. At 100 ms, four requests "
        "at once carry no more than the bare loop of `throughput_at_100_ms`. This project reaches most of that rate. "
        "The chunked design alone reaches so much of it that the goal is higher than four requests at once can carry."
    ),
    drawn=tuple(_figure(title, "at 100 ms") for title in ("this project", *(design.title for design in USUAL))),
    note=(
        "Designs of one task or job per message are measured over 2 000 messages without latency and 300 at 100 ms, "
        "the chunked one over 300 000, this project over a million. RQ has four worker processes, as each does one job "
        "at a time; the others have two with two threads each."
    ),
)
