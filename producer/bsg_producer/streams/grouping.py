"""Group commit: threads that send messages of a stream at the same time share a call of the ledger's script."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy

from bsg_ledger.streams import MESSAGES_A_CALL, AcceptedMessage, StreamMessage
from bsg_producer.errors import QueueNotDurable, QueueUnavailable
from bsg_producer.streams.committing import Unconfirmed

LOOK_SECONDS = 0.5  # after which a waiting thread looks whether somebody leads, because a wake-up can be lost
LEADER_LOST_SECONDS = 15.0  # after which it waits no more: longer than a call and its repetition take

Commit = Callable[[Sequence[StreamMessage]], Sequence[AcceptedMessage]]


class _Waiting:
    """The message of one thread, until it has a result or an error."""

    __slots__ = ("_woken", "error", "message", "result")

    def __init__(self, message: StreamMessage) -> None:
        self.message = message
        self.result: AcceptedMessage | None = None
        self.error: Exception | None = None
        self._woken = threading.Lock()
        self._woken.acquire()

    @property
    def decided(self) -> bool:
        return self.result is not None or self.error is not None

    def wait(self, seconds: float) -> None:
        self._woken.acquire(timeout=seconds)

    def wake(self) -> None:
        with suppress(RuntimeError):  # it was woken already
            self._woken.release()


class GroupCommit:
    """Commits messages of one stream for many threads.

    One thread at a time leads: it commits its own message, and all that have gathered while the leader before it waited
    for Redis. A lone thread leads at once. A message that is committed twice is accepted once, by its attempt, so that
    a thread may commit its message itself whenever it does not know what became of its leader.
    """

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._group = _Group(commit)

    def __call__(self, message: StreamMessage) -> AcceptedMessage:
        """Return the result of the message. Raise what the commit of its call raises."""
        if self._group.process != os.getpid():  # guard: group-of-own-process
            self._group = _Group(self._commit)  # a thread that led before the fork does not exist here
        while (result := self._group.commit(message)) is None:
            self._group = _Group(self._commit)
        return result


class _Group:
    def __init__(self, commit: Commit) -> None:
        self.process = os.getpid()
        self._commit = commit
        self._gathered: deque[_Waiting] = deque()
        self._leading = threading.Lock()
        self._leader = 0

    def commit(self, message: StreamMessage) -> AcceptedMessage | None:
        """Return None if the leader is lost."""
        if self._leader == threading.get_ident():  # in a signal handler, or in another task of an asyncio loop
            return self._commit([message])[0]  # guard: leader-waits-not-for-itself
        own = _Waiting(message)
        self._gathered.append(own)
        until = time.monotonic() + LEADER_LOST_SECONDS
        while not own.decided:
            if self._leading.acquire(blocking=False):
                try:
                    self._lead(own)
                finally:
                    self._leader = 0
                    self._leading.release()
                    self._wake_next()
            elif time.monotonic() > until:  # guard: lost-leader-is-left
                return None
            else:
                own.wait(LOOK_SECONDS)
        if own.error is not None:
            raise copy(own.error) from None  # each thread raises an exception of its own
        return own.result

    def _lead(self, own: _Waiting) -> None:
        self._leader = threading.get_ident()
        members = [] if own.decided else [own]
        while self._gathered and len(members) < MESSAGES_A_CALL:
            waiting = self._gathered.popleft()
            if waiting is not own and not waiting.decided:
                members.append(waiting)
        if not members:
            return
        results: Sequence[AcceptedMessage] = ()
        try:
            results = self._commit([waiting.message for waiting in members])
        except (QueueUnavailable, QueueNotDurable, Unconfirmed) as error:
            for waiting in members:
                waiting.error = error  # guard: failed-call-fails-its-members
        finally:
            for waiting, result in zip(members, results, strict=False):
                waiting.result = result
            # Those that need another campaign, and all if this thread was interrupted.
            left = [waiting for waiting in members if not waiting.decided and waiting is not own]
            self._gathered.extendleft(reversed(left))  # guard: left-are-gathered-again
            for waiting in members:
                if waiting.decided:
                    waiting.wake()

    def _wake_next(self) -> None:
        waiting = next((waiting for waiting in self._gathered.copy() if not waiting.decided), None)
        if waiting is not None:  # guard: next-leader-is-woken
            waiting.wake()
