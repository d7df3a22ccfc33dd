from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from kombu.connection import Connection

from bsg_broker.transport import broker_transport_options, broker_url
from bsg_broker.wakeups import Wakeups
from bsg_config.redis_address import RedisAddress
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid


def broker_parameters(url: str) -> dict[str, Any]:
    """Return what Celery's transport would connect with."""
    settings = Settings.build(redis_url=url)
    connection = Connection(broker_url(settings), transport_options=broker_transport_options(settings))
    channel_class = connection.get_transport_cls().Channel
    channel = channel_class.__new__(channel_class)  # without __init__, which connects
    channel.connection = SimpleNamespace(client=connection, default_port=6379)
    parameters: dict[str, Any] = channel._connparams()
    return parameters


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("redis://cache", 0),
        ("redis://cache:7000/3", 3),
        ("redis://cache:7000?db=4", 4),
        ("rediss://cache/5", 5),
        ("unix:///run/redis.sock?db=6", 6),
    ],
)
def test_client_and_broker_use_the_same_database(url: str, database: int) -> None:
    client = connect(Settings.build(redis_url=url))

    assert client.connection_pool.connection_kwargs["db"] == database
    assert broker_parameters(url)["db"] == database


def test_a_password_with_odd_characters_reaches_client_and_broker() -> None:
    url = "redis://me:p%40ss%2Fw%3Ard@cache:6379/0"

    assert connect(Settings.build(redis_url=url)).connection_pool.connection_kwargs["password"] == "p@ss/w:rd"
    assert broker_parameters(url)["password"] == "p@ss/w:rd"


def test_a_client_repeats_nothing_and_gives_up_in_time() -> None:
    arguments = connect(Settings.build(redis_url="redis://cache", queue_timeout=2)).connection_pool.connection_kwargs

    assert arguments["retry"]._retries == 0
    assert (arguments["socket_timeout"], arguments["socket_connect_timeout"]) == (2, 2)
    longer = connect(Settings.build(redis_url="redis://cache"), socket_timeout=9).connection_pool.connection_kwargs
    assert longer["socket_timeout"] == 9


def test_the_broker_verifies_tls_as_the_client_does() -> None:
    url = "rediss://cache:6380/0?ssl_ca_certs=%2Fetc%2Fca.pem"
    connection = Connection(broker_url(Settings.build(redis_url=url)))

    assert isinstance(connection.ssl, dict)
    assert connection.ssl["ssl_cert_reqs"].name == "CERT_REQUIRED"
    assert connection.ssl["ssl_ca_certs"] == "/etc/ca.pem"
    assert connect(Settings.build(redis_url=url)).connection_pool.connection_kwargs["ssl_ca_certs"] == "/etc/ca.pem"


def test_verification_of_tls_cannot_be_switched_off() -> None:
    with pytest.raises(SettingsInvalid):
        Settings.build(redis_url="rediss://cache?ssl_cert_reqs=none")


def test_sentinels_are_listed_with_the_master_they_watch() -> None:
    settings = Settings.build(redis_url="sentinel://me:secret@one:26379,two/mymaster?db=2&sentinel_password=other")

    assert broker_url(settings) == "sentinel://me:secret@one:26379/2;sentinel://me:secret@two:26379/2"
    assert broker_transport_options(settings)["master_name"] == "mymaster"
    assert broker_transport_options(settings)["sentinel_kwargs"]["password"] == "other"
    assert connect(settings).connection_pool.connection_kwargs["db"] == 2


def test_silent_sentinels_together_take_no_longer_than_the_timeout() -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(silent_listener()).getsockname()[1] for _ in range(3)]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        settings = Settings.build(redis_url=f"sentinel://{hosts}/mymaster", queue_timeout=1.2)
        for ask in (connect(settings).ping, partial(Wakeups(connect(settings)).notify, "default")):
            began = time.monotonic()
            with suppress(redis.ConnectionError):
                assert ask() is False
            assert time.monotonic() - began < 2.2


def silent_listener() -> socket.socket:
    """Let clients connect, and report nothing."""
    return socket.create_server(("127.0.0.1", 0))


@pytest.mark.parametrize(
    "url",
    [
        "cache:6379",
        "http://cache",
        "redis://",
        "redis://one,two/0",
        "redis://cache:99999",
        "redis://cache/zero",
        "redis://cache?timeout=3",
        "unix://relative/path",
        "unix://",
        "sentinel://one:26379",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".{20}"):
        RedisAddress.parse(url)


def test_ipv6_addresses_keep_their_brackets_where_they_are_written() -> None:
    address = RedisAddress.parse("redis://[::1]:6390/1")

    assert address.nodes == (("::1", 6390),)
    assert address.broker_url() == "redis://[::1]:6390/1"


def test_nothing_connects_before_redis_url_is_set() -> None:
    with pytest.raises(SettingsInvalid) as raised:
        connect(Settings.build())

    assert raised.value.errors.keys() == {"REDIS_URL"}
