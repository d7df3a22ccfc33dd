from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from bsg_client import BSGClient, OutcomeKind, ReadFailed
from tests.certificates import CERTIFICATE, serving
from tests.client.fake_server import (
    Behaviour,
    Conversation,
    FakeServer,
    campaign_body,
    responding,
    response_bytes,
    send,
    settings_for,
)


@pytest.fixture
def tls() -> ssl.SSLContext:
    return serving()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))


TAKE = responding(200, campaign_body())


def test_a_certificate_that_nobody_vouches_for_keeps_the_body_back(tls: ssl.SSLContext) -> None:
    arrived: list[bytes] = []

    def record(conversation: Conversation) -> None:
        arrived.append(conversation.read_request()[1])

    with FakeServer(record, tls=tls) as server:
        outcome = send(server.url)

    assert (outcome.kind, outcome.cause) == (OutcomeKind.NOT_TAKEN, "TLS failure")
    assert arrived == []


@pytest.mark.usefixtures("trusted")
def test_a_trusted_certificate_lets_it_through(tls: ssl.SSLContext) -> None:
    with FakeServer(TAKE, tls=tls) as server:
        assert send(server.url).kind is OutcomeKind.TAKEN


@pytest.mark.usefixtures("trusted")
def test_a_response_that_drips_is_cut_under_tls_too(tls: ssl.SSLContext) -> None:
    def drip(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.drip(response_bytes(200, campaign_body()), 0.05)

    with FakeServer(drip, tls=tls) as server:
        started = time.monotonic()

        outcome = send(server.url)

    assert (outcome.kind, outcome.cause) == (OutcomeKind.IN_DOUBT, "HTTP 200, request took too long")
    assert time.monotonic() - started < 2.5


def test_a_handshake_that_drips_is_cut_with_nothing_taken() -> None:
    def drip(conversation: Conversation) -> None:
        # The head of a handshake record of 16 KiB, whose content then comes byte by byte.
        conversation.drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 16_384, 0.05)

    with FakeServer(drip) as server:
        started = time.monotonic()

        outcome = send(f"https://localhost:{server.port}")

    assert outcome.kind is OutcomeKind.NOT_TAKEN
    assert time.monotonic() - started < 2.5


def refuse_the_tunnel(conversation: Conversation) -> None:
    conversation.read_head()
    conversation.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


def test_a_proxy_that_refuses_the_tunnel_leaves_nothing_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeServer(refuse_the_tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")

        outcome = send("https://bsg.invalid")

    assert (outcome.kind, outcome.cause) == (OutcomeKind.NOT_TAKEN, "proxy failure")
    assert proxy.connections == 1


def tunnelling_to(port: int) -> Behaviour:
    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65_536):
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)

    def behaviour(conversation: Conversation) -> None:
        conversation.read_head()
        with socket.create_connection(("127.0.0.1", port)) as onward:
            conversation.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(onward, conversation.connection), daemon=True)
            back.start()
            pump(conversation.connection, onward)
            back.join(5)

    return behaviour


@pytest.fixture
def tunnel(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, trusted: None) -> Iterator[FakeServer]:
    with FakeServer(TAKE, tls=tls) as server, FakeServer(tunnelling_to(server.port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.delenv("no_proxy", raising=False)
        yield proxy


def test_a_proxy_of_the_environment_is_used(tunnel: FakeServer) -> None:
    assert send("https://localhost:1").kind is OutcomeKind.TAKEN
    assert tunnel.connections == 1


def test_a_proxy_does_not_come_between_us_and_a_sandbox_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeServer(TAKE) as server, FakeServer(refuse_the_tunnel) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.delenv("no_proxy", raising=False)

        assert send(server.url).kind is OutcomeKind.TAKEN
        assert proxy.connections == 0


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_from_tls_to_plain_text(tls: ssl.SSLContext, status: int) -> None:
    with FakeServer(TAKE) as plain:
        redirect = responding(status, b"", f"Location: {plain.url}/api/campaigns/sms/send-individual")
        with FakeServer(redirect, tls=tls) as server:
            outcome = send(server.url)
            with pytest.raises(ReadFailed):
                BSGClient(settings_for(server.url).account, None).balance()

        assert outcome.kind is OutcomeKind.IN_DOUBT
        assert plain.connections == 0
