"""Requests about many rows, some of them at once: what fails for one of them leaves the others their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import SystemRandom
from typing import TypeVar

from bsg_config.crash_points import CrashPoint, reached
from bsg_worker.client.outcomes import ReadFailed
from bsg_worker.read_failures import concerns_everybody, obey
from bsg_worker.runtime import Runtime

Row = TypeVar("Row")


def by_lot(rows: Sequence[Row]) -> list[Row]:
    """The rows in an order by lot: one that ends every round it comes first in must not always come first."""
    return SystemRandom().sample(rows, len(rows))


class Turns:
    """One round. `over` says that BSG answers nobody now, `cause` why the last failure came, "" if there was none."""

    def __init__(self, runtime: Runtime) -> None:
        self.over = False
        self.cause = ""
        self._runtime = runtime

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One row's requests. A failure is obeyed and noted, and ends the round only if the next would fail too."""
        try:
            yield
        except ReadFailed as failure:
            obey(self._runtime, failure)
            reached(CrashPoint.TURNS_FAILURE_OBEYED)
            self.cause = failure.cause
            self.over = self.over or concerns_everybody(failure)

    def each(self, rows: Sequence[Row], do: Callable[[Row], bool]) -> int:
        """A turn for each row until the round is over; answers for how many it was done.

        Several at once, as most of it is waiting for BSG.
        """

        def one(row: Row) -> bool:
            if self.over:
                return False
            with self.turn():
                return do(row)
            return False

        with ThreadPoolExecutor(self._runtime.settings.worker_in_flight) as threads:
            return sum(threads.map(one, rows))
