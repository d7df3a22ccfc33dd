"""Run reads outside of Tornado's loop, each once for all viewers."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")

THREADS = 4
FRESH_SECONDS = 1.0
KEPT = 64


@dataclass(slots=True)
class _Snapshot:
    response: asyncio.Future[Any]
    done_at: float | None = None


class Snapshots:
    """A cache for one event loop: a read less than a second ago, or in progress, is not repeated."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ledger")
        self._kept: OrderedDict[Hashable, _Snapshot] = OrderedDict()

    async def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """Run `read` in a thread. Return its result, or raise its exception."""
        snapshot = self._kept.get(key)
        if snapshot is None or (snapshot.done_at is not None and time.monotonic() - snapshot.done_at > FRESH_SECONDS):
            snapshot = self._begin(key, read)
        return cast(T, await asyncio.shield(snapshot.response))

    async def run(self, change: Callable[[], T]) -> T:
        """Run a change in a thread; whatever was read before it is read again."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, change)
        finally:
            self._kept.clear()

    def _begin(self, key: Hashable, read: Callable[[], T]) -> _Snapshot:
        snapshot = _Snapshot(asyncio.get_running_loop().run_in_executor(self._threads, read))

        def done(_: asyncio.Future[Any]) -> None:
            snapshot.done_at = time.monotonic()

        snapshot.response.add_done_callback(done)
        self._kept[key] = snapshot
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return snapshot
