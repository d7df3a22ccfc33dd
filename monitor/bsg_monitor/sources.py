"""What the handlers read from and act through: made at the first use, one of each per process."""

from __future__ import annotations

from functools import cached_property

from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_monitor.observer import Observer
from bsg_monitor.searches import Searches
from bsg_monitor.snapshots import Snapshots
from bsg_monitor.stream_observer import StreamObserver
from bsg_producer import Producer


class Sources:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def may_read_rejects(self, operator: str) -> bool:
        """Return whether somebody with that login may see rejected rows, which have phones."""
        return operator in self._settings.reject_readers  # guard: readers-are-named

    @property
    def indexes_messages(self) -> bool:
        """Return whether campaigns are found by the phones and the reference ids of their messages."""
        return self._settings.search_key is not None

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(connect(self._settings))

    @cached_property
    def observer(self) -> Observer:
        return Observer(self._settings)

    @cached_property
    def stream_observer(self) -> StreamObserver:
        return StreamObserver(self._settings)

    @cached_property
    def producer(self) -> Producer:
        """Return the producer that controls campaigns and finds messages, as the command line does."""
        return Producer(self._settings)

    @cached_property
    def snapshots(self) -> Snapshots:
        return Snapshots()

    @cached_property
    def searches(self) -> Searches:
        return Searches()
