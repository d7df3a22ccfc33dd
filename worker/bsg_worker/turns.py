"""Requests about many rows, some of them at once: what fails for one of them leaves the others their turn."""

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


def by_lot(rows: Sequence[Row]) -> list[Row]:
    """The rows in an order by lot: one that ends every round it comes first in must not always come first."""
    return SystemRandom().sample(rows, len(rows))


UNANSWERED_IN_A_ROW = 3


@dataclass(slots=True)
class Turn:
    """One row's requests; `failure` is why they came to nothing."""

    failure: ReadFailed | None = None


class Turns:
    """One round. `over` says that BSG answers nobody now, `cause` why the last failure came, "" if there was none.

    A single request without an answer ends nothing: where every third one fails, no round would come to its end.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.over = False
        self.cause = ""
        self._runtime = runtime
        self._unanswered = 0

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Make one row's requests. A failure applies backpressure and is noted. It ends the round only if it is
        account-wide."""
        turn = Turn()
        try:
            yield turn
        except ReadFailed as failure:
            apply_backpressure(self._runtime, failure)
            turn.failure, self.cause = failure, failure.cause
            # Threads may lose count of one: then one request more is made, or one less.
            self._unanswered = self._unanswered + 1 if failure.status is None else 0
            out_of_reach = self._unanswered >= UNANSWERED_IN_A_ROW
            # guard: row-failure-isolated
            self.over = self.over or out_of_reach or (failure.status is not None and is_account_wide(failure))
        else:
            self._unanswered = 0

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
