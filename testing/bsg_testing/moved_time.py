"""Time that a test moves: the project's clock, Redis's clock and the sandbox's clock go forward together."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import redis

from bsg_config import clock
from bsg_ledger import limiter, scripts
from bsg_sandbox.server import Sandbox

_now, _monotonic, _source = clock.now, clock.monotonic, scripts.source
_KEYS_AT_ONCE = 1000
_MOVED = "bsg_testing:moved_us"  # a key: scripts read it, and need no other text when the time moves
_TIME = "redis.call('TIME')"
_MOVED_TIME = f"(function() local at = {_TIME} at[2] = at[2] + (redis.call('GET', '{_MOVED}') or 0) return at end)()"


class MovedTime:
    """The real time plus what `advance` has added. Threads may share it."""

    def __init__(self, client: redis.Redis, sandbox: Sandbox) -> None:
        self._client = client
        self._sandbox = sandbox
        self._moved_us = 0
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Show the real time again. Redis and the sandbox have just been emptied."""
        self._moved_us = 0

    def now(self) -> datetime:
        """Return the moved time."""
        return _now() + timedelta(microseconds=self._moved_us)

    def monotonic(self) -> float:
        """Return the monotonic clock's seconds, moved likewise."""
        return _monotonic() + self._moved_us / 1_000_000

    def advance(self, seconds: float) -> None:
        """Move all clocks forward, and what expires in Redis with them. Raise ValueError for a negative number."""
        self._sandbox.advance(seconds)
        moved_us = round(seconds * 1_000_000)
        with self._lock:
            self._moved_us += moved_us
            self._age_keys(moved_us // 1000)
            self._client.set(_MOVED, self._moved_us)

    def moved_reply(self, reply: Any, **_: object) -> tuple[int, int]:
        """Return Redis's reply to TIME, moved."""
        seconds, microseconds = divmod(int(reply[0]) * 1_000_000 + int(reply[1]) + self._moved_us, 1_000_000)
        return seconds, microseconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show the moved time in this process and in the ledger's scripts."""
        with ExitStack() as stack:
            stack.enter_context(patch.multiple(clock, now=self.now, monotonic=self.monotonic))
            for module in (scripts, limiter):
                stack.enter_context(patch.object(module, "source", moved_source))
            yield

    @contextmanager
    def sleeping_at_once(self) -> Iterator[None]:
        """Move the time instead of sleeping."""
        with patch.object(clock, "sleep", self.advance):
            yield

    def _age_keys(self, by_ms: int) -> None:
        cursor = 0
        client: Any = self._client  # redis-py types its replies as all that they might be
        while True:
            cursor, keys = client.scan(cursor, count=_KEYS_AT_ONCE)
            pipe = client.pipeline(transaction=False)
            for key in keys:
                pipe.pttl(key)
            for key, left_ms in zip(keys, pipe.execute(), strict=True):
                if left_ms > by_ms:
                    pipe.pexpire(key, left_ms - by_ms)
                elif left_ms >= 0:
                    pipe.delete(key)
            pipe.execute()
            if not cursor:
                return


@cache
def moved_source(name: str, feed_length: int = scripts.FEED_LENGTH) -> tuple[str, str]:
    """Return a script of the ledger that reads the moved time, and its SHA-1."""
    text = _source(name, feed_length)[0].replace(_TIME, _MOVED_TIME)
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
