"""Run the follower in a process that dies by SIGKILL before its nth effect.

An effect is a statement that writes to the database, a commit or a rollback of it, and what `tests.failpoints.doors`
sees of Redis, before and after.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from tests.failpoints.doors import watch

_READS = ("SELECT", "PRAGMA", "SHOW")


def follow_and_die(nth: int) -> bool:
    """Run `bsg_follow --once` in a fork that dies before its nth effect. Return whether it died."""
    connections.close_all()  # the fork must not use, nor close, those of this process
    child = _fork(lambda: _install(nth))
    _, status = os.waitpid(child, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert died or status == 0, f"the follower ended with {status}"
    return died


def follow_at_once(followers: int) -> None:
    """Run that many followers in forks at the same time."""
    connections.close_all()
    children = [child for _ in range(followers) if (child := _fork(lambda: None))]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * followers


def _fork(prepare: Callable[[], None]) -> int:
    """Run `bsg_follow --once` in a fork; return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        prepare()
        call_command("bsg_follow", "--once")
        connections.close_all()
        os._exit(0)
    finally:
        os._exit(1)


def _install(nth: int) -> None:
    seen = 0

    def effect(_: str = "") -> None:
        nonlocal seen
        seen += 1
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(effect)
    for owner, name in ((BaseDatabaseWrapper, "_commit"), (BaseDatabaseWrapper, "_rollback")):
        _before(owner, name, lambda *_: effect())
    for name in ("execute", "executemany"):
        _before(CursorWrapper, name, lambda _, sql, *__: None if sql.lstrip().startswith(_READS) else effect())


def _before(owner: Any, name: str, observe: Callable[..., None]) -> None:
    original = getattr(owner, name)

    def wrapper(*arguments: Any, **named: Any) -> Any:
        observe(*arguments)
        return original(*arguments, **named)

    setattr(owner, name, wrapper)
