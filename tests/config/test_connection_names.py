from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import redis

from bsg_broker.transport import broker_transport_options
from bsg_config.connection_names import connection_name, name_connections, name_of_process
from bsg_config.redis_connections import connect, connect_asyncio
from bsg_config.settings import Settings


@pytest.fixture
def worker_name() -> Iterator[str]:
    name = name_of_process("worker")
    name_connections(name)
    yield f"bsg-{name}"
    name_connections("")


def test_a_process_without_a_name_is_a_producer(redis_url: str) -> None:
    name_connections("")
    with connect(Settings.build(redis_url=redis_url)) as client:
        assert client.client_getname() == f"bsg-{name_of_process('producer')}"


def test_connections_carry_the_name_of_their_process(redis_url: str, worker_name: str) -> None:
    with connect(Settings.build(redis_url=redis_url)) as client:
        assert client.client_getname() == worker_name


def test_connections_of_asyncio_carry_it_too(redis_url: str, worker_name: str) -> None:
    async def name() -> object:
        async with connect_asyncio(Settings.build(redis_url=redis_url)) as client:
            return await client.client_getname()

    assert asyncio.run(name()) == worker_name


def test_connections_of_celery_carry_it_too(redis_url: str, worker_name: str) -> None:
    assert broker_transport_options(Settings.build(redis_url=redis_url))["client_name"] == worker_name


def test_connections_tell_that_this_library_made_them(redis_url: str) -> None:
    with connect(Settings.build(redis_url=redis_url)) as client:
        own = client.client_info()

    assert own["lib-name"] == f"redis-py(bsg-campaigns_v{version('bsg-campaigns')})"
    assert own["lib-ver"] == redis.__version__


@pytest.mark.parametrize("name", ["wörker@host", "worker one@host", "worker\n@host"])
def test_a_name_that_redis_would_refuse_does_not_keep_a_process_from_it(redis_url: str, name: str) -> None:
    name_connections(name)
    try:
        with connect(Settings.build(redis_url=redis_url)) as client:
            assert client.client_getname() == connection_name()
    finally:
        name_connections("")
