from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import partial

from benchmarks import steps
from benchmarks.comparing import Figures, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.provider import Provider
from bsg_config.settings import Settings

BATCHES, BATCHES_IN_SHORT = 50, 10
KEY = urlsafe_b64encode(bytes(32)).decode()

CLEAR, ENCRYPTED = "in the clear", "with BODY_KEY"


def _spent(name: str, body_key: str, measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(measurement.directory, Provider(), workers=0, BODY_KEY=body_key) as environment:
        settings = Settings.from_environment(environment.processes.settings)
        return {name: sum(steps.milliseconds(settings, measurement.size(BATCHES, BATCHES_IN_SHORT)).values())}


ROW = Row(
    what="what BODY_KEY costs: all steps of a batch of 10 000, from `enqueue` to the record",
    against="the same without it: processor milliseconds of one thread",
    unit="ms a batch",
    sides=[Side(name, partial(_spent, name, key)) for name, key in ((CLEAR, ""), (ENCRYPTED, KEY))],
    goals=[],
    drawn=(CLEAR, ENCRYPTED),
    note=(
        "A chunk is encrypted once and decrypted once, a batch likewise. In Redis each takes 57 to 73 bytes "
        "more: Fernet's version, time, vector, padding and signature."
    ),
)
