"""Make requests for many rows, some of them at once. A failure of one row does not affect the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import TypeVar

from bsg_client.outcomes import ReadFailed
from bsg_worker.read_failures import apply_backpressure, is_account_wide
from bsg_worker.runtime import Runtime

Row = TypeVar("Row")


def shuffled(rows: Sequence[Row]) -> list[Row]:
    """Return the rows shuffled: a row that ends each pass must not come first in each pass."""
    return SystemRandom().sample(rows, len(rows))


UNANSWERED_IN_A_ROW = 3


@dataclass(slots=True)
class RowRequest:
    """The requests of one row. `failure` is why they failed."""

    failure: ReadFailed | None = None


class RowRequests:
    """The requests of one pass. `over`: BSG does not respond at all, or has `refused` what the account asks for.
    `cause`: why the last request failed, or "".

    A single request without a response does not end the pass: it has to finish even if every third request fails.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.over = False
        self.refused = False
        self.cause = ""
        self._runtime = runtime
        self._unanswered = 0

    def at_once(self, seconds: float) -> float:
        """Return how many requests of that duration run at once: as many as the rate limit allows a worker."""
        within_limit = seconds * 1000 / self._runtime.account.bsg_status_rate_limit.interval_ms
        return max(1.0, min(within_limit, self._runtime.settings.worker_in_flight))

    @contextmanager
    def one(self) -> Iterator[RowRequest]:
        """Make one row's requests. A failure applies backpressure and is noted. It ends the pass only if it is
        account-wide."""
        request = RowRequest()
        try:
            yield request
        except ReadFailed as failure:
            apply_backpressure(self._runtime, failure)
            request.failure, self.cause = failure, failure.cause
            # Threads may lose an increment. Then the pass makes one request more or less.
            self._unanswered = self._unanswered + 1 if failure.status is None else 0
            out_of_reach = self._unanswered >= UNANSWERED_IN_A_ROW
            self.refused = self.refused or (failure.status is not None and is_account_wide(failure))
            self.over = self.over or out_of_reach or self.refused  # guard: row-failure-isolated
        else:
            self._unanswered = 0

    def each(self, rows: Sequence[Row], do: Callable[[Row], bool]) -> int:
        """Run `do` for each row until the pass is over. Return for how many rows it was done.

        Several rows run at once, as most of the time is spent on waiting for BSG.
        """

        def one(row: Row) -> bool:
            if self.over:
                return False
            with self.one():
                return do(row)
            return False

        with ThreadPoolExecutor(self._runtime.settings.worker_in_flight) as threads:
            return sum(threads.map(one, rows))
