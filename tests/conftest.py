"""What every test may ask for: a real server, emptied before each test that uses it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.distribution import process_count, rank, scheduler
from tests.fast import is_fast, nothing_started_in, refuse_starts
from tests.memory import keep_files_in_memory
from tests.servers import AVAILABLE_KINDS, Kind, RedisServer

# The suite tries the same examples every time, and `make test-fast` the first of them. `make fuzz` tries new ones, and
# prints how to try a failing one again.
settings.register_profile("suite", max_examples=60, derandomize=True, deadline=None)
settings.register_profile("fast", max_examples=15, derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=5_000, print_blob=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_configure(config: pytest.Config) -> None:
    keep_files_in_memory()
    sys.addaudithook(refuse_starts)
    config.addinivalue_line(
        "markers", "fast: set on each test that starts no process and serves no socket (tests/fast.py)"
    )
    config.addinivalue_line(
        "markers", "server_kinds(*kinds): run the test once on each of these servers that is installed"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server_kind" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("server_kinds")
        wanted = marker.args if marker else AVAILABLE_KINDS
        metafunc.parametrize(
            "server_kind",
            [
                pytest.param(
                    kind,
                    marks=() if kind in AVAILABLE_KINDS else pytest.mark.skip(f"no {kind} server installed"),
                )
                for kind in wanted
            ],
        )


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, without which the tests run as well
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    return process_count(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return scheduler(config, log)


@pytest.hookimpl(tryfirst=True)  # before -m selects by the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if is_fast(item):
            item.add_marker(pytest.mark.fast)
    if hasattr(config, "workerinput"):  # in one of several processes
        items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with nothing_started_in(item.nodeid) if item.get_closest_marker("fast") else nullcontext():
        return (yield)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for the whole run. A test that kills or freezes a server starts one of its own."""
    with RedisServer(tmp_path_factory.mktemp("redis"), AVAILABLE_KINDS[0]) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The shared server's address, with nothing in it."""
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def own_redis_server(tmp_path: Path, server_kind: Kind) -> Iterator[RedisServer]:
    """A server of the test's own, to kill, freeze and restart; the test runs once on each installed kind."""
    with RedisServer(tmp_path / "redis", server_kind) as server:
        yield server
