"""The proxy troubles its connections as it is asked to, and lets them be afterwards."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.lossy_proxy import LossyProxy


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it is sent; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                return

    def accept() -> None:
        try:
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[LossyProxy]:
    with LossyProxy(echo) as proxy:
        yield proxy


def connected(proxy: LossyProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def echoed(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return received(connection, len(data))


def received(connection: socket.socket, most: int) -> bytes:
    """What comes until there is enough, or the connection ends."""
    data = b""
    try:
        while len(data) < most and (piece := connection.recv(most - len(data))):
            data += piece
    except ConnectionError:
        return data
    return data


def test_without_trouble_everything_passes(proxy: LossyProxy) -> None:
    with connected(proxy) as connection:
        assert echoed(connection, b"x" * 100_000) == b"x" * 100_000


def test_cut_ends_connections_that_stand_and_new_ones_until_healed(proxy: LossyProxy) -> None:
    with connected(proxy) as connection:
        echoed(connection, b"before")
        proxy.trouble("cut")
        assert received(connection, 1) == b""
    with connected(proxy) as fresh:
        assert echoed(fresh, b"during") == b""
    proxy.heal()
    with connected(proxy) as fresh:
        assert echoed(fresh, b"after") == b"after"


def test_halve_forwards_half_and_cuts(proxy: LossyProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.lossy_proxy.HALVED_SHARE", 1.1)
    with connected(proxy) as connection:
        echoed(connection, b"before")
        proxy.trouble("halve")
        assert len(echoed(connection, b"x" * 1000)) < 1000


def test_delay_holds_back_in_both_directions(proxy: LossyProxy) -> None:
    with connected(proxy) as connection:
        proxy.trouble("delay", delay=0.1)
        began = time.monotonic()
        assert echoed(connection, b"late") == b"late"
        assert time.monotonic() - began >= 0.2


def test_a_blackholed_connection_stays_silent_until_healed(proxy: LossyProxy) -> None:
    with connected(proxy) as connection:
        echoed(connection, b"before")
        proxy.trouble("blackhole")
        connection.sendall(b"vanishes")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy.ease()
        connection.sendall(b"after")
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(5)
        proxy.heal()
        assert received(connection, 1) == b""
    with connected(proxy) as fresh:
        assert echoed(fresh, b"works") == b"works"
