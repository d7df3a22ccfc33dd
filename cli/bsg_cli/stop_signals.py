"""Turn Ctrl-C and SIGTERM into a flag, which is checked where stopping is possible, instead of an exception."""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """While the context is open, SIGINT, SIGTERM and SIGHUP set `asked`.

    Each signal after the first calls `on_repeat`, which raises KeyboardInterrupt by default.
    """

    def __init__(self) -> None:
        self.asked = False
        self.on_repeat: Callable[[], None] = _interrupt
        # SimpleQueue.put may be called from a signal handler; a lock or an Event may not.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._before: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}

    def wait(self, seconds: float) -> bool:
        """Wait for so many seconds, or until a signal comes. Return whether one has come."""
        if not self.asked:
            with suppress(queue.Empty):
                self._wake.get(timeout=seconds)
        return self.asked

    def __enter__(self) -> StopSignals:
        self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, *_: object) -> None:
        if self.asked:
            self.on_repeat()
        self.asked = True
        self._wake.put(None)


def _interrupt() -> None:
    raise KeyboardInterrupt
