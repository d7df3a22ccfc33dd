"""The statistics jobs of an account. BSG: Statistic."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """A statistics job. `times` and `done_at` are in seconds since 1970. Its rows show the time at which it is read."""

    key: str
    request: Mapping[str, Any] = field(repr=False)
    times: Mapping[str, float] = field(repr=False)
    done_at: float


class StatisticsJobs:
    """The statistics jobs of one account. Threads may share it."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._given = 0
        self._lock = threading.Lock()

    def order(
        self, account: str, request: Mapping[str, Any], times: Mapping[str, float], done_at: float, most: int
    ) -> Job | None:
        """Add a job and return it; None if the account already has `most` jobs."""
        with self._lock:
            if len(self._jobs) >= most:
                return None
            self._given += 1
            key = hashlib.blake2b(f"{account}:{self._given}".encode(), digest_size=10).hexdigest()
            self._jobs[key] = Job(key, request, times, done_at)
            return self._jobs[key]

    def delete(self, key: str) -> bool:
        """Remove a job. Return False if there is none with that key."""
        with self._lock:
            return self._jobs.pop(key, None) is not None

    def find(self, key: str) -> Job | None:
        """Return the job with that key; None if there is none."""
        return self._jobs.get(key)

    def listed(self) -> list[Job]:
        """Return all jobs, oldest first."""
        with self._lock:
            return list(self._jobs.values())
