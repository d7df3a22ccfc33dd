"""Which tests are fast: those that start no process and serve no socket. They have no Redis, worker, browser, sandbox.

`make test-fast` runs them. Nobody marks them: the mark `fast` follows from what a test can reach. That is its own code,
its fixtures, and the code of the tests and of the project that these name. While such a test runs, the start of a
process or of a server is an error, so that a wrong mark does not go unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import getclosurevars
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

REFUSED = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "socket.bind")
_STARTERS = (
    "subprocess",
    "multiprocessing",
    "concurrent.futures.process",
    "socketserver",
    "http.server",
    "werkzeug.serving",
    "uvicorn",
)
_STARTING_NAMES = {"fork", "create_server", "bind"}
_FOLLOWED = ("tests", "bsg_")


def is_fast(item: pytest.Item) -> bool:
    """Return whether nothing that this test can reach starts a process or a server."""
    if not isinstance(item, pytest.Function):
        return False
    fixtures = item._fixtureinfo.name2fixturedefs
    code = [item.function, *(one.func for name in item.fixturenames for one in fixtures.get(name, ()))]
    return not any(starts_something(one) for one in code)


_known: dict[int, bool] = {}
_kept: list[Any] = []  # what is known by its id must not be replaced by something else with that id


def starts_something(thing: Any) -> bool:
    """Return whether this function or class can reach what starts a process or a server."""
    reached_from: dict[int, int | None] = {id(thing): None}
    waiting = [thing]
    while waiting:
        one = waiting.pop()
        if _known.get(id(one)) is False:
            continue
        _kept.append(one)
        if _known.get(id(one)) or _is_starter(one):
            _mark_path(id(one), reached_from)
            return True
        for named in _named_by(one):
            if id(named) not in reached_from:
                reached_from[id(named)] = id(one)
                waiting.append(named)
    _known.update(dict.fromkeys(reached_from, False))
    return False


def _mark_path(end: int, reached_from: Mapping[int, int | None]) -> None:
    """Remember each thing on the way to one that starts something: it can reach it too."""
    step: int | None = end
    while step is not None:
        _known[step] = True
        step = reached_from[step]


def _is_starter(thing: Any) -> bool:
    module = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    if isinstance(module, str) and module.startswith(_STARTERS):
        return True
    return isinstance(thing, FunctionType) and not _STARTING_NAMES.isdisjoint(_names(thing.__code__))


def _named_by(thing: Any) -> Iterator[Any]:
    """Yield what the code of a function, or of a class, names."""
    if isinstance(thing, property):
        yield from (accessor for accessor in (thing.fget, thing.fset) if accessor)
    module = getattr(thing, "__module__", None)
    if not (isinstance(module, str) and module.startswith(_FOLLOWED)):
        return
    if isinstance(thing, type):
        yield from thing.__mro__[1:]
        yield from vars(thing).values()
        return
    if hypothesis_test := getattr(thing, "hypothesis", None):
        yield hypothesis_test.inner_test
    for wrapped in ("__func__", "__wrapped__"):
        if inner := getattr(thing, wrapped, None):
            yield inner
    if not isinstance(thing, FunctionType):
        return
    yield from getclosurevars(thing).nonlocals.values()
    names = set(_names(thing.__code__))
    for name in names:
        named = thing.__globals__.get(name)
        if isinstance(named, ModuleType) and named.__name__.startswith(_FOLLOWED):
            yield from (vars(named)[attribute] for attribute in names & set(vars(named)))
        elif named is not None:
            yield named


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


class NotFast(Exception):
    """A test with the mark `fast` started a process or a server."""


_running: list[str] = []


def refuse_starts(event: str, _: tuple[Any, ...]) -> None:
    """An audit hook: raise NotFast for a process or a server that a fast test starts."""
    if _running and event in REFUSED:
        raise NotFast(f"{_running[-1]} has the mark fast, and something that it calls raises the event {event}")


@contextmanager
def nothing_started_in(test: str) -> Iterator[None]:
    """Have `refuse_starts` refuse every process and every server until this ends."""
    _running.append(test)
    try:
        yield
    finally:
        _running.pop()
