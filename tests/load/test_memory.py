"""Memory is read from the system, and growth distinguished from what is merely held."""

from __future__ import annotations

import os
import sys

import pytest

from tests.load.memory import MIB, Memory, resident_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="only /proc shows it")
def test_what_a_process_holds_is_read() -> None:
    before = resident_bytes(os.getpid())
    held = b"x" * (30 * MIB)
    after = resident_bytes(os.getpid())

    assert before is not None
    assert after is not None
    assert after - before > len(held) // 2


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert resident_bytes(2**22 + 1) is None


def test_growth_is_from_the_first_quarter_to_the_last_and_the_worst_of_the_processes() -> None:
    memory = Memory({"worker": {1: [(t, 100) for t in range(100)], 2: [(t, 100 + t) for t in range(100)]}})

    assert memory.growth("worker", 0, 99) == 75
    assert memory.growth("sandbox", 0, 99) is None
    assert memory.peak("worker") == 199
    assert memory.peak("sandbox") is None
