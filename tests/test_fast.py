"""The mark `fast`: it follows from what a test reaches, and a wrong one does not go unnoticed."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable

import pytest

from bsg_sandbox.server import Sandbox
from tests.fast import NotFast, nothing_started_in, starts_something
from tests.servers import RedisServer


def adds() -> int:
    return 1 + 1


def runs_a_program() -> None:
    subprocess.run(["true"], check=True)


def listens() -> None:
    socket.create_server(("127.0.0.1", 0)).close()


def calls_what_runs_a_program() -> None:
    for _ in range(2):
        runs_a_program()


def within(function: Callable[[], object]) -> Callable[[], object]:
    return lambda: function()


def starts_redis() -> RedisServer:
    return RedisServer.__new__(RedisServer)


def starts_the_sandbox() -> Sandbox:
    return Sandbox()


@pytest.mark.parametrize("function", [adds, within(adds), pytest.raises, socket.socketpair])
def test_what_reaches_no_process_and_no_server_is_fast(function: Callable[[], object]) -> None:
    assert not starts_something(function)


@pytest.mark.parametrize(
    "function",
    [runs_a_program, listens, calls_what_runs_a_program, within(listens), starts_redis, starts_the_sandbox],
)
def test_what_reaches_one_is_not(function: Callable[[], object]) -> None:
    assert starts_something(function)


def test_every_test_that_wants_redis_is_not_fast(request: pytest.FixtureRequest) -> None:
    items = [item for item in request.session.items if "redis_url" in getattr(item, "fixturenames", ())]
    assert [item.nodeid for item in items if item.get_closest_marker("fast")] == []


@pytest.mark.parametrize("name", ["runs_a_program", "listens"])
def test_a_fast_test_that_starts_something_all_the_same_fails(name: str) -> None:
    with nothing_started_in("tests/test_some.py::test_wrong"), pytest.raises(NotFast, match="test_wrong"):
        globals()[name]()
