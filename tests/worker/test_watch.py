"""A process notices that the ledger lacks what it saw."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bsg_ledger.gate import GateReason
from bsg_worker.watch import check_once
from tests.worker.harness import WorkerHarness


def test_a_ledger_that_went_back_is_reported_and_its_gate_is_shut(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.prepared(1)
    check_once(harness.runtime)
    client: Any = harness.runtime.redis
    client.flushall()

    with caplog.at_level(logging.ERROR):
        check = check_once(harness.runtime)

    assert check.went_back
    assert harness.producer.gate().reason == GateReason.LEDGER_WENT_BACK
    assert "audit --recover" in caplog.text


def test_a_ledger_that_has_all_of_it_is_not_reported(harness: WorkerHarness, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        harness.prepared(1)
        check_once(harness.runtime)

    assert harness.producer.gate().open
    assert caplog.text == ""
