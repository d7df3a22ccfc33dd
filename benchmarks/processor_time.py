"""The processor time that processes have taken, theirs and the kernel's for them together."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.environment import BenchmarkEnvironment

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_AFTER_NAME, _USER, _SYSTEM = 2, 11, 12  # proc(5): fields 14 and 15, counted from what follows the name


def seconds_of(process_id: int) -> float:
    """Return the seconds so far, all threads, without children. Linux only: raises FileNotFoundError elsewhere."""
    fields = Path(f"/proc/{process_id}/stat").read_text("utf-8").rpartition(")")[_AFTER_NAME].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_A_SECOND


def seconds_by_process(environment: BenchmarkEnvironment) -> dict[str, float]:
    """Return the seconds so far of the caller and of each kind of process of the environment."""
    *workers, status, beat = (seconds_of(process.process.pid) for process in environment.processes.running)
    return {
        "the caller": seconds_of(os.getpid()),
        "both workers": sum(workers),
        "status and beat": status + beat,
        "Redis": seconds_of(environment.redis.process_id),
        "the sandbox": seconds_of(environment.provider.process_id),
    }
