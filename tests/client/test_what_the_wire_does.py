from __future__ import annotations

import json
import multiprocessing
import queue
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bsg_client import BSGClient, OutcomeKind, ReadFailed
from tests.client.fake_server import (
    MESSAGES,
    OPTIONS,
    Behaviour,
    Conversation,
    FakeServer,
    campaign_body,
    responding,
    response_bytes,
    send,
    settings_for,
)
from tests.servers import free_port


def silence(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.stay_silent()


def cut_after_the_request(conversation: Conversation) -> None:
    conversation.read_request()


def cut_before_the_body_is_read(conversation: Conversation) -> None:
    conversation.read_head()
    # A linger of nothing makes closing a reset, as from a host that has just died.
    conversation.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half_a_body(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.write(response_bytes(200, campaign_body())[:-10])


def half_a_body_without_a_length(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + campaign_body()[:-10])


def a_whole_campaign_of_a_longer_body(conversation: Conversation) -> None:
    conversation.read_request()
    body = campaign_body() + b" " * 100_000
    conversation.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + 10) + body)


def half_a_chunk(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + campaign_body()[:20])


def half_a_head(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.write(b"HTTP/1.1 200 OK\r\nContent-")


def no_http(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.write(b"220 mail.example ESMTP ready\r\n\r\n")


def endless_response(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not conversation.stopping.is_set():
        conversation.write(b" " * 65_536)


def endless_redirect(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.write(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nConnection: close\r\n\r\n")
    # As fast as it goes, a client that reads it would fill the memory of the machine within the test's timeout.
    while not conversation.stopping.wait(0.01):
        conversation.write(b" " * 65_536)


def dripped_body(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.drip(response_bytes(200, campaign_body()), 0.05)


def dripped_body_without_a_length(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + campaign_body())
    conversation.drip(b" " * 1000, 0.05)


def dripped_head(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.drip(b"HTTP/1.1 200 OK\r\n" + b"X-More: a\r\n" * 100, 0.02)


def endless_interim_responses(conversation: Conversation) -> None:
    conversation.read_request()
    while not conversation.stopping.wait(0.01):
        conversation.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def never_reads(conversation: Conversation) -> None:
    conversation.read_head()
    conversation.stay_silent()


HTML = b"<html><h1>502 Bad Gateway</h1></html>"


@pytest.mark.parametrize(
    "behaviour",
    [
        silence,
        cut_after_the_request,
        half_a_body,
        half_a_body_without_a_length,
        a_whole_campaign_of_a_longer_body,
        half_a_chunk,
        half_a_head,
        no_http,
        endless_response,
        endless_redirect,
        dripped_body,
        dripped_body_without_a_length,
        dripped_head,
        endless_interim_responses,
        pytest.param(responding(200, HTML, "Content-Type: text/html"), id="html"),
        pytest.param(responding(200, b""), id="empty"),
        pytest.param(responding(204, b""), id="no content"),
        pytest.param(responding(302, b"", "Location: /elsewhere"), id="redirect 302"),
        pytest.param(responding(307, b"", "Location: /elsewhere"), id="redirect 307"),
        pytest.param(responding(302, b"", "Location: http://[nonsense"), id="redirect to nonsense"),
        pytest.param(responding(502, HTML, "Content-Type: text/html"), id="gateway"),
        pytest.param(responding(200, campaign_body(), "Content-Encoding: gzip"), id="falsely gzip"),
    ],
)
def test_what_is_no_clear_response_to_a_body_that_left_is_in_doubt(behaviour: Behaviour) -> None:
    with FakeServer(behaviour) as server:
        started = time.monotonic()

        outcome = send(server.url, bsg_connect_timeout=0.3, bsg_read_timeout=0.3)

        assert outcome.kind is OutcomeKind.IN_DOUBT
        assert time.monotonic() - started < 0.6 + 1.0  # both timeouts, and a slow machine
        assert server.connections == 1


def test_a_response_without_an_end_is_left_long_before_the_time_is_over() -> None:
    with FakeServer(endless_response) as server:
        started = time.monotonic()

        outcome = send(server.url, bsg_read_timeout=30)

    assert (outcome.kind, outcome.cause) == (OutcomeKind.IN_DOUBT, "HTTP 200, response too long")
    assert time.monotonic() - started < 10


def test_a_redirect_without_an_end_is_not_read_to_see_where_it_leads() -> None:
    with FakeServer(endless_redirect) as server:
        started = time.monotonic()

        outcome = send(server.url, bsg_read_timeout=30)

    assert outcome.kind is OutcomeKind.IN_DOUBT
    assert time.monotonic() - started < 10


def test_the_provider_is_asked_not_to_compress() -> None:
    heads: list[bytes] = []

    def record(conversation: Conversation) -> None:
        heads.append(conversation.read_request()[0])
        conversation.write(response_bytes(200, campaign_body()))

    with FakeServer(record) as server:
        send(server.url)

    assert b"accept-encoding: identity" in heads[0].lower()


def test_a_body_that_only_left_in_part_is_in_doubt() -> None:
    with FakeServer(cut_before_the_body_is_read) as server:
        outcome = send(server.url, messages=b"[" + b" " * 20_000_000 + b"]")

    assert outcome.kind is OutcomeKind.IN_DOUBT


def test_a_provider_that_never_reads_the_body_is_given_up() -> None:
    with FakeServer(never_reads) as server:
        started = time.monotonic()

        outcome = send(server.url, messages=b"[" + b" " * 50_000_000 + b"]")

    assert outcome.kind is OutcomeKind.IN_DOUBT
    assert time.monotonic() - started < 3


def test_a_body_may_be_taken_more_slowly_than_a_connection_is_made() -> None:
    def dawdle(conversation: Conversation) -> None:
        conversation.read_head()
        conversation.stopping.wait(0.4)
        while b"}" not in conversation.connection.recv(1 << 20)[-1:]:
            pass
        conversation.write(response_bytes(200, campaign_body()))

    with FakeServer(dawdle) as server:
        outcome = send(
            server.url,
            messages=b"[" + b" " * 20_000_000 + b"]",
            bsg_connect_timeout=0.1,
            bsg_read_timeout=5,
        )

    assert outcome.kind is OutcomeKind.TAKEN


def test_a_refused_connection_is_not_taken() -> None:
    outcome = send(f"http://localhost:{free_port()}")

    assert (outcome.kind, outcome.cause) == (OutcomeKind.NOT_TAKEN, "connection refused")


def test_a_host_without_an_address_is_not_taken() -> None:
    outcome = send("https://nowhere.invalid")

    assert (outcome.kind, outcome.cause) == (OutcomeKind.NOT_TAKEN, "name not found")


def test_a_connection_that_is_never_accepted_is_not_taken() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for other in waiting:
            other.setblocking(False)
            other.connect_ex(("127.0.0.1", port))

        outcome = send(f"http://127.0.0.1:{port}", bsg_connect_timeout=0.2)

        for other in waiting:
            other.close()
    assert (outcome.kind, outcome.cause) == (OutcomeKind.NOT_TAKEN, "connect timeout")


def test_an_old_intent_keeps_every_byte_of_the_body_back() -> None:
    arrived: queue.Queue[tuple[bytes, bytes]] = queue.Queue()

    with FakeServer(lambda conversation: arrived.put(conversation.read_request())) as server:
        outcome = send(server.url, may_leave=lambda: False)
        _, body = arrived.get(timeout=5)

    assert (outcome.kind, outcome.cause) == (OutcomeKind.NOT_TAKEN, "intent too old")
    assert body == b""


def test_the_provider_gets_the_array_and_the_options_as_one_json_object() -> None:
    arrived: list[tuple[bytes, bytes]] = []

    def take(conversation: Conversation) -> None:
        arrived.append(conversation.read_request())
        conversation.write(response_bytes(200, campaign_body(9)))

    with FakeServer(take) as server:
        outcome = send(server.url)

    head, body = arrived[0]
    assert outcome.kind is OutcomeKind.TAKEN
    assert outcome.campaign is not None
    assert outcome.campaign.id == 9
    assert json.loads(body) == {"messages": json.loads(MESSAGES), **OPTIONS}
    assert head.startswith(b"POST /api/campaigns/sms/send-individual HTTP/1.1\r\n")
    assert b"X-API-KEY: live_sandbox" in head
    assert b"Transfer-Encoding" not in head


def test_an_options_of_nothing_still_makes_json() -> None:
    arrived: list[bytes] = []

    def take(conversation: Conversation) -> None:
        arrived.append(conversation.read_request()[1])
        conversation.write(response_bytes(200, campaign_body()))

    with FakeServer(take) as server:
        BSGClient(settings_for(server.url).account, None).send_individual(b"[]", {}, lambda: True)

    assert json.loads(arrived[0]) == {"messages": []}


def test_each_body_goes_over_a_connection_of_its_own() -> None:
    def take_two(conversation: Conversation) -> None:
        for _ in range(2):
            conversation.read_request()
            conversation.write(response_bytes(200, campaign_body()))

    with FakeServer(take_two) as server:
        client = BSGClient(settings_for(server.url).account, None)

        kinds = [client.send_individual(MESSAGES, OPTIONS, lambda: True).kind for _ in range(2)]

        assert kinds == [OutcomeKind.TAKEN, OutcomeKind.TAKEN]
        assert server.connections == 2


def test_reading_keeps_its_connection() -> None:
    def respond_three_times(conversation: Conversation) -> None:
        for _ in range(3):
            conversation.read_request()
            conversation.write(response_bytes(200, b'{"data":{"balance":"1.50","currency":"EUR"}}'))

    with FakeServer(respond_three_times) as server:
        client = BSGClient(settings_for(server.url).account, None)

        balances = [str(client.balance().balance) for _ in range(3)]

        assert balances == ["1.50"] * 3
        assert server.connections == 1


def test_a_kept_connection_is_cut_at_the_bound_too() -> None:
    def good_then_dripping(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.write(response_bytes(200, b'{"data":{"balance":1}}'))
        dripped_head(conversation)

    with FakeServer(good_then_dripping) as server:
        client = BSGClient(settings_for(server.url).account, None)
        client.balance()
        started = time.monotonic()

        with pytest.raises(ReadFailed, match="too long"):
            client.balance()

        assert server.connections == 1
        assert time.monotonic() - started < 2.5


def test_a_response_that_comes_before_the_body_is_read_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def throttle_at_once(conversation: Conversation) -> None:
        conversation.read_head()
        conversation.write(response_bytes(429, b"", "Retry-After: 7"))
        conversation.read_request()

    with FakeServer(throttle_at_once) as server:
        outcome = send(server.url)

    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.THROTTLED, 7.0)


def test_what_nobody_foresaw_after_the_body_left_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    def unforeseen(*_: object) -> None:
        raise RuntimeError("nobody foresaw that")

    monkeypatch.setattr("bsg_client.wire._read", unforeseen)
    with FakeServer(responding(200, campaign_body())) as server:
        outcome = send(server.url)

    assert (outcome.kind, outcome.cause) == (OutcomeKind.IN_DOUBT, "unforeseen RuntimeError")


def test_no_entry_in_netrc_takes_the_place_of_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    heads: list[bytes] = []

    def take(conversation: Conversation) -> None:
        heads.append(conversation.read_request()[0])
        conversation.write(response_bytes(200, campaign_body()))

    with FakeServer(take) as server:
        send(server.url)

    assert b"X-API-KEY: live_sandbox" in heads[0]
    assert b"Authorization" not in heads[0]


def test_cookies_are_not_kept() -> None:
    heads: list[bytes] = []

    def take(conversation: Conversation) -> None:
        heads.append(conversation.read_request()[0])
        conversation.write(response_bytes(200, campaign_body(), "Set-Cookie: stuck=1"))

    with FakeServer(take) as server:
        client = BSGClient(settings_for(server.url).account, None)
        for _ in range(2):
            client.send_individual(MESSAGES, OPTIONS, lambda: True)

    assert b"ookie" not in heads[1]


def balances_in_a_child(read: Callable[[], object], responses: multiprocessing.Queue[str]) -> None:
    responses.put(str(read()))


def test_a_forked_process_does_not_use_its_parents_connection() -> None:
    def respond_many_times(conversation: Conversation) -> None:
        while conversation.read_request()[0]:
            conversation.write(response_bytes(200, b'{"data":{"balance":3}}'))

    with FakeServer(respond_many_times) as server:
        client = BSGClient(settings_for(server.url).account, None)
        client.balance()
        context = multiprocessing.get_context("fork")
        responses: multiprocessing.Queue[str] = context.Queue()
        child = context.Process(target=balances_in_a_child, args=(lambda: client.balance().balance, responses))

        child.start()

        assert responses.get(timeout=10) == "3"
        child.join()
        client.balance()
        assert server.connections == 2
