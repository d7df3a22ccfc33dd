"""The statistics jobs that an account has ordered."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """A job that was ordered; its rows are those of the time at which it is read."""

    key: str
    request: Mapping[str, Any] = field(repr=False)
    times: Mapping[str, float] = field(repr=False)
    done_at: float


class StatisticsJobs:
    """The jobs of one account; safe for many threads."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._given = 0
        self._lock = threading.Lock()

    def order(
        self, account: str, request: Mapping[str, Any], times: Mapping[str, float], done_at: float, most: int
    ) -> Job | None:
        """Keep a new job; None when the account has as many as it may have."""
        with self._lock:
            if len(self._jobs) >= most:
                return None
            self._given += 1
            key = hashlib.blake2b(f"{account}:{self._given}".encode(), digest_size=10).hexdigest()
            self._jobs[key] = Job(key, request, times, done_at)
            return self._jobs[key]

    def delete(self, key: str) -> bool:
        """Forget a job; False when there is none with that key."""
        with self._lock:
            return self._jobs.pop(key, None) is not None

    def find(self, key: str) -> Job | None:
        """Return a job by its key."""
        return self._jobs.get(key)

    def listed(self) -> list[Job]:
        """Return all jobs, oldest first."""
        with self._lock:
            return list(self._jobs.values())
