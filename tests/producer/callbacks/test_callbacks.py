"""BSG's delivery reports reach their feed, and nothing else does: by WSGI and by ASGI, from real servers, alike."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bsg_config.settings import Settings
from bsg_messages.reference_ids import generated_ids
from bsg_producer import AsyncProducer, DeliveryReport, Producer
from bsg_producer.callbacks import asgi_callbacks, callbacks
from bsg_producer.callbacks.asgi import ASGIApplication
from tests.producer.test_enqueueing import messages, producer_at
from tests.servers import RedisServer
from tests.web_servers import serve_asgi, serve_wsgi

SECRET = "s3cret-s3cret-s3cret"
FORM = "application/x-www-form-urlencoded"


class Receiver:
    """The application behind a real server, as BSG reaches it."""

    def __init__(self, interface: str, port: int) -> None:
        self.interface = interface
        self.port = port

    def status_of(
        self, body: bytes = b"", *, path: str = f"/{SECRET}", method: str = "POST", query: str = "",
        kind: str = FORM, size: str | None = None,
    ) -> int:  # fmt: skip
        """Push the body, and return the status that BSG gets."""
        return self.status_of_request(
            f"{method} {path}{'?' if query else ''}{query} HTTP/1.1",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body) if size is None else size}",
            body=body,
        )

    def status_of_request(self, *head: str, body: bytes = b"", close_after: bool = False) -> int:
        """Send exactly this, and return the status. It is 0 if the server closes the connection without one."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall("\r\n".join([*head, "Host: shop.example", "", ""]).encode("latin-1") + body)
            if close_after:
                connection.shutdown(socket.SHUT_WR)
            response = http.client.HTTPResponse(connection)
            try:
                response.begin()
            except http.client.RemoteDisconnected:
                return 0
            return response.status


@contextmanager
def receiving(interface: str, of_producer: Settings) -> Iterator[Receiver]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[ASGIApplication]:
        async with AsyncProducer(of_producer) as producer:
            yield asgi_callbacks(producer, secret=SECRET)

    with ExitStack() as served:
        if interface == "wsgi":
            port = served.enter_context(serve_wsgi(callbacks(Producer(of_producer), secret=SECRET)))
        else:
            port = served.enter_context(serve_asgi(opened))
        yield Receiver(interface, port)


@pytest.fixture(scope="module", params=["wsgi", "asgi"])
def receiver(request: pytest.FixtureRequest, redis_server: RedisServer) -> Iterator[Receiver]:
    with receiving(request.param, Settings.build(redis_url=redis_server.url)) as receiver:
        yield receiver


@pytest.fixture
def producer(redis_url: str) -> Producer:
    return producer_at(redis_url)


def report_of(reference: str, **changes: Any) -> dict[str, Any]:
    report = {
        "error": 0,
        "errorDescription": "No errors",
        "id": 7,
        "msisdn": "380661231231",
        "reference": reference,
        "status": "delivered",
        "time_in": "2030-01-31 12:00:00",
        "time_sent": "2030-01-31 12:00:01",
        "time_dr": "2030-01-31 12:00:05",
        "price": "0.0100000",
        "currency": "USD",
    }
    return {**report, **changes}


def enqueued(producer: Producer) -> str:
    return producer.enqueue(messages(3), sender="MyShop").campaign_id


def reports_of(producer: Producer) -> list[DeliveryReport]:
    return list(producer.delivery_reports())


@pytest.mark.parametrize("how", ["form", "query", "json", "list"])
def test_a_report_is_in_the_feed_however_it_is_pushed(receiver: Receiver, producer: Producer, how: str) -> None:
    campaign = enqueued(producer)
    report = report_of(generated_ids(campaign, 2, 1)[0])
    pushes = {
        "form": {"body": urlencode(report).encode()},
        "query": {"method": "GET", "query": urlencode(report)},
        "json": {"body": json.dumps(report).encode(), "kind": "application/json"},
        "list": {"body": json.dumps([report]).encode(), "kind": "application/json; charset=utf-8"},
    }

    assert receiver.status_of(**pushes[how]) == 200  # type: ignore[arg-type]

    (found,) = reports_of(producer)
    assert (found.campaign_id, found.index, found.reference_id) == (campaign, 2, report["reference"])
    assert (found.status, found.price, found.currency) == ("delivered", "0.0100000", "USD")
    assert (found.sent_at, found.delivered_at) == ("2030-01-31 12:00:01", "2030-01-31 12:00:05")


def test_no_phone_is_in_the_feed(receiver: Receiver, producer: Producer) -> None:
    receiver.status_of(urlencode(report_of(generated_ids(enqueued(producer), 0, 1)[0])).encode())

    assert "380661231231" not in str(reports_of(producer))


def test_a_message_with_an_id_of_its_own_is_reported_by_that(receiver: Receiver, producer: Producer) -> None:
    receiver.status_of(urlencode(report_of("order1742")).encode())

    (found,) = reports_of(producer)
    assert (found.campaign_id, found.index, found.reference_id) == (None, None, "order1742")


def test_a_campaign_that_is_forgotten_is_left_out_and_bsg_is_not_asked_to_try_again(
    receiver: Receiver, producer: Producer
) -> None:
    assert receiver.status_of(urlencode(report_of(generated_ids("0" * 22, 0, 1)[0])).encode()) == 200
    assert reports_of(producer) == []


def test_reports_displace_no_transitions(receiver: Receiver, producer: Producer) -> None:
    campaign = enqueued(producer)
    position = producer.latest_event()

    receiver.status_of(json.dumps([report_of(one) for one in generated_ids(campaign, 0, 3)]).encode(), kind="text/json")

    assert [found.index for found in reports_of(producer)] == [0, 1, 2]
    assert list(producer.events(since=position)) == []
    assert producer.latest_event() == position


def test_a_push_is_one_script_call_and_one_wait_for_the_disk_whatever_it_carries(
    receiver: Receiver, producer: Producer
) -> None:
    def calls() -> list[int]:
        found = producer._client.info("commandstats")
        return [found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval", "waitaof")]

    reports = [{"reference": f"order{number}", "status": "sent"} for number in range(1000)]
    receiver.status_of(urlencode(reports[0]).encode())
    before = calls()

    assert receiver.status_of(json.dumps(reports).encode(), kind="application/json") == 200

    assert [after - early for after, early in zip(calls(), before, strict=True)] in ([1, 0, 1], [1, 0, 0])
    assert len(reports_of(producer)) == 1001


@pytest.mark.parametrize(
    "path", ["/", f"/{SECRET}/", f"/{SECRET}x", f"/x{SECRET}", f"/{SECRET.upper()}", "/s3cret", "/%C3%A9", "/%FF"]
)
def test_without_the_secret_there_is_nothing(receiver: Receiver, producer: Producer, path: str) -> None:
    assert receiver.status_of(urlencode(report_of("order1")).encode(), path=path) == 404
    assert reports_of(producer) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"status=delivered",
        b"reference=order1",
        b"reference=order1&status=",
        b"reference=order-1&status=delivered",
        b"reference=" + b"a" * 33 + b"&status=delivered",
        b"\xff\xfe",
    ],
)
def test_what_is_no_report_is_refused(receiver: Receiver, producer: Producer, body: bytes) -> None:
    assert receiver.status_of(body) == 400
    assert reports_of(producer) == []


@pytest.mark.parametrize(
    "body", [b"", b"5", b"[]", b"{", b'"x"', b"[1]", b'{"reference": true, "status": "sent"}', b"[" * 5_000]
)
def test_what_is_no_report_in_json_is_refused(receiver: Receiver, producer: Producer, body: bytes) -> None:
    assert receiver.status_of(body, kind="application/json") == 400


def test_one_wrong_report_refuses_the_push_whole(receiver: Receiver, producer: Producer) -> None:
    both = json.dumps([report_of("order1"), {"reference": "order2"}]).encode()

    assert receiver.status_of(both, kind="application/json") == 400
    assert reports_of(producer) == []


def test_what_is_too_much_is_refused_unread(receiver: Receiver) -> None:
    assert receiver.status_of(size="65537") == 413
    assert receiver.status_of(size="9" * 20) == 413


@pytest.mark.parametrize("size", ["many", "-1", "1_0", "+1"])
def test_a_size_that_is_no_number_is_refused(receiver: Receiver, size: str) -> None:
    assert receiver.status_of(urlencode(report_of("order1")).encode(), size=size) == 400


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def pushed_without_a_size(receiver: Receiver, body: bytes) -> int:
    head = (f"POST /{SECRET} HTTP/1.1", f"Content-Type: {FORM}", "Transfer-Encoding: chunked")
    return receiver.status_of_request(*head, body=chunked(body))


def test_a_report_without_a_size_is_in_the_feed(receiver: Receiver, producer: Producer) -> None:
    assert pushed_without_a_size(receiver, urlencode(report_of("order1")).encode()) == 200

    assert [found.reference_id for found in reports_of(producer)] == ["order1"]


def test_what_is_too_much_without_a_size_is_refused(receiver: Receiver, producer: Producer) -> None:
    body = urlencode(report_of("order1")).encode() + b"&rest="

    assert pushed_without_a_size(receiver, body.ljust(65_536, b"x")) == 200
    assert pushed_without_a_size(receiver, body.ljust(65_537, b"x")) == 413
    assert len(reports_of(producer)) == 1


def test_a_report_whose_end_does_not_arrive_is_not_in_the_feed(receiver: Receiver, producer: Producer) -> None:
    head = (f"POST /{SECRET} HTTP/1.1", f"Content-Type: {FORM}", "Content-Length: 40")

    status = receiver.status_of_request(*head, body=b"reference=order1&status=deliv", close_after=True)

    assert status == {"wsgi": 400, "asgi": 0}[receiver.interface]
    assert reports_of(producer) == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(receiver: Receiver, method: str) -> None:
    assert receiver.status_of(method=method) == 405


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_without_redis_bsg_is_asked_to_try_again(interface: str) -> None:
    nowhere = Settings.build(redis_url="redis://127.0.0.1:1/0", queue_timeout=0.5)

    with receiving(interface, nowhere) as receiver:
        assert receiver.status_of(urlencode(report_of("order1")).encode()) == 503


def test_other_requests_get_a_response_while_one_waits_for_the_rest_of_its_body(receiver: Receiver) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as slow:
        slow.sendall(f"POST /{SECRET} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 40\r\n\r\nref".encode())

        assert receiver.status_of(urlencode(report_of("order1")).encode()) == 200


@pytest.mark.parametrize("receiver", ["asgi"], indirect=True)
def test_a_web_socket_is_refused(receiver: Receiver) -> None:
    upgrade = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + "A" * 22 + "==",
    )

    assert receiver.status_of_request(f"GET /{SECRET} HTTP/1.1", *upgrade) == 403


@pytest.mark.parametrize("secret", ["", "short", "a/b" * 10, "x" * 15, "with blanks and more"])
@pytest.mark.parametrize("application", [callbacks, asgi_callbacks])
def test_a_secret_that_is_easily_guessed_is_refused(application: Callable[..., object], secret: str) -> None:
    with pytest.raises(ValueError, match="prints one"):
        application(None, secret=secret)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200) | st.builds(lambda text: text.encode(), st.text(max_size=200)),
    kind=st.sampled_from(["application/json", FORM, ""]),
    query=st.text(st.characters(max_codepoint=255), max_size=50).map(lambda text: quote(text, safe="=&")),
)
def test_whatever_is_pushed_gets_a_response(receiver: Receiver, body: bytes, kind: str, query: str) -> None:
    assert receiver.status_of(body, kind=kind, query=query) in (200, 400)
