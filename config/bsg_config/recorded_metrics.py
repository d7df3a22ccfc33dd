"""Metrics that OpenTelemetry records. Only `meters` imports this, in processes that use OpenTelemetry."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version

from opentelemetry.metrics import get_meter

_METER = get_meter("bsg_campaigns", version("bsg-campaigns"))
_ACCEPTED = _METER.create_counter("bsg.messages.accepted", "{message}", "Messages that producers have accepted")
_REQUESTS = _METER.create_histogram("bsg.post.duration", "s", "How long BSG takes to respond to a campaign")
_SLOTS = _METER.create_histogram("bsg.slot.wait", "s", "How long requests wait for their slot of the limit")


def count_accepted(account: str, messages: int) -> None:
    with suppress(Exception):  # whatever fails in OpenTelemetry, the caller continues
        _ACCEPTED.add(messages, {"bsg.account": account})


def record_request(account: str, outcome: str, *, seconds: float, slot_wait_seconds: float) -> None:
    with suppress(Exception):
        _REQUESTS.record(seconds, {"bsg.account": account, "bsg.outcome": outcome})
        _SLOTS.record(slot_wait_seconds, {"bsg.account": account})
