"""The order in which a worker's queues are served: by priority, and within one by turns.

kombu's own orders do not do: by turns over all of them, a queue called high is not high; by priority alone over a set,
the order is chance. In the queues called prepare are campaigns that have had no turn yet: they get four turns for one
of those that go on, which wait in the queues called submit. A small campaign needs no other turn, so that it does not
wait for a large one, and a flood of small ones does not stop a large one.
"""

from __future__ import annotations

from collections.abc import Iterable

from bsg_messages.priority import PRIORITIES

_TURNS_IN_A_ROW = {"prepare": 4}  # guard: new-campaigns-first


class ServiceOrder:
    """A cycle as kombu's Redis transport wants one (`queue_order_strategy`). Queues are called STAGE.PRIORITY."""

    def __init__(self, queues: Iterable[str] | None = None) -> None:
        self._queues = list(queues or ())
        self._turn = 0
        self._served: dict[str, int] = {}
        self._last = ""
        self._in_a_row = 0

    def update(self, queues: Iterable[str]) -> None:
        """The queues to serve from now on, in no order."""
        self._queues = list(queues)

    def consume(self, count: int) -> list[str]:
        """Return the queues to ask, first to last."""
        return sorted(self._queues, key=self._rank)[:count]

    def rotate(self, last_used: str) -> str:
        """Note that a message was taken from this queue."""
        self._in_a_row = self._in_a_row + 1 if last_used == self._last else 1
        self._last = last_used
        if self._in_a_row >= _TURNS_IN_A_ROW.get(last_used.partition(".")[0], 1):
            self._in_a_row = 0
            self._turn += 1
            self._served[last_used] = self._turn
        return last_used

    def _rank(self, queue: str) -> tuple[int, int, bool]:
        stage, _, priority = queue.partition(".")
        # guard: liveness-first
        if stage == "ping":  # a ping must be answered however much else there is to do
            return -1, 0, False
        rank = PRIORITIES.index(priority) if priority in PRIORITIES else len(PRIORITIES)
        return rank, self._served.get(queue, 0), stage != "submit"
