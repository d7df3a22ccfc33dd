"""BSG's delivery reports reach their feed, and nothing else does."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bsg_config.settings import Settings
from bsg_messages.reference_ids import generated_ids
from bsg_producer import DeliveryReport, Producer
from bsg_producer.callbacks import callbacks
from tests.producer.test_enqueueing import messages, producer_at

SECRET = "s3cret-s3cret-s3cret"


def pushed(
    producer: Producer, body: bytes = b"", *, path: str = f"/{SECRET}", method: str = "POST", query: str = "",
    kind: str = "application/x-www-form-urlencoded", size: str | None = None,
) -> str:  # fmt: skip
    """Return the status that BSG gets."""
    responded: list[str] = []
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "QUERY_STRING": query,
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)) if size is None else size,
        "wsgi.input": io.BytesIO(body),
    }
    rest = callbacks(producer, secret=SECRET)(environ, lambda status, *_: responded.append(status))  # type: ignore[arg-type]
    assert list(rest) == []
    return responded[0].split()[0]


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


@pytest.fixture
def producer(redis_url: str) -> Producer:
    return producer_at(redis_url)


def enqueued(producer: Producer) -> str:
    return producer.enqueue(messages(3), sender="MyShop").campaign_id


def reports_of(producer: Producer) -> list[DeliveryReport]:
    return list(producer.delivery_reports())


@pytest.mark.parametrize("how", ["form", "query", "json", "list"])
def test_a_report_is_in_the_feed_however_it_is_pushed(producer: Producer, how: str) -> None:
    campaign = enqueued(producer)
    report = report_of(generated_ids(campaign, 2, 1)[0])
    pushes = {
        "form": {"body": urlencode(report).encode()},
        "query": {"method": "GET", "query": urlencode(report)},
        "json": {"body": json.dumps(report).encode(), "kind": "application/json"},
        "list": {"body": json.dumps([report]).encode(), "kind": "application/json; charset=utf-8"},
    }

    assert pushed(producer, **pushes[how]) == "200"  # type: ignore[arg-type]

    (found,) = reports_of(producer)
    assert (found.campaign_id, found.index, found.reference_id) == (campaign, 2, report["reference"])
    assert (found.status, found.price, found.currency) == ("delivered", "0.0100000", "USD")
    assert (found.sent_at, found.delivered_at) == ("2030-01-31 12:00:01", "2030-01-31 12:00:05")


def test_no_phone_is_in_the_feed(producer: Producer) -> None:
    pushed(producer, urlencode(report_of(generated_ids(enqueued(producer), 0, 1)[0])).encode())

    assert "380661231231" not in str(reports_of(producer))


def test_a_message_with_an_id_of_its_own_is_reported_by_that(producer: Producer) -> None:
    pushed(producer, urlencode(report_of("order1742")).encode())

    (found,) = reports_of(producer)
    assert (found.campaign_id, found.index, found.reference_id) == (None, None, "order1742")


def test_a_campaign_that_is_forgotten_is_left_out_and_bsg_is_not_asked_to_try_again(producer: Producer) -> None:
    assert pushed(producer, urlencode(report_of(generated_ids("0" * 22, 0, 1)[0])).encode()) == "200"
    assert reports_of(producer) == []


def test_reports_displace_no_transitions(producer: Producer) -> None:
    campaign = enqueued(producer)
    position = producer.latest_event()

    pushed(producer, json.dumps([report_of(one) for one in generated_ids(campaign, 0, 3)]).encode(), kind="text/json")

    assert [found.index for found in reports_of(producer)] == [0, 1, 2]
    assert list(producer.events(since=position)) == []
    assert producer.latest_event() == position


def test_a_push_is_one_script_call_and_one_wait_for_the_disk_whatever_it_carries(producer: Producer) -> None:
    def calls() -> list[int]:
        found = producer._client.info("commandstats")
        return [found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval", "waitaof")]

    reports = [{"reference": f"order{number}", "status": "sent"} for number in range(1000)]
    pushed(producer, urlencode(reports[0]).encode())
    before = calls()

    assert pushed(producer, json.dumps(reports).encode(), kind="application/json") == "200"

    assert [after - early for after, early in zip(calls(), before, strict=True)] in ([1, 0, 1], [1, 0, 0])
    assert len(reports_of(producer)) == 1001


@pytest.mark.parametrize(
    "path", ["/", "", f"/{SECRET}/", f"/{SECRET}x", f"/{SECRET.upper()}", f"//{SECRET}", "/s3cret", "/\xe9"]
)
def test_without_the_secret_there_is_nothing(producer: Producer, path: str) -> None:
    assert pushed(producer, urlencode(report_of("order1")).encode(), path=path) == "404"
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
def test_what_is_no_report_is_refused(producer: Producer, body: bytes) -> None:
    assert pushed(producer, body) == "400"
    assert reports_of(producer) == []


@pytest.mark.parametrize(
    "body", [b"", b"5", b"[]", b"{", b'"x"', b"[1]", b'{"reference": true, "status": "sent"}', b"[" * 5_000]
)
def test_what_is_no_report_in_json_is_refused(producer: Producer, body: bytes) -> None:
    assert pushed(producer, body, kind="application/json") == "400"


def test_one_wrong_report_refuses_the_push_whole(producer: Producer) -> None:
    both = json.dumps([report_of("order1"), {"reference": "order2"}]).encode()

    assert pushed(producer, both, kind="application/json") == "400"
    assert reports_of(producer) == []


def test_what_is_too_much_is_refused_unread(producer: Producer) -> None:
    assert pushed(producer, b"", size=str(65_537)) == "413"
    assert pushed(producer, b"", size="many") == "400"
    assert pushed(producer, b"", size="-1") == "400"


def test_other_methods_are_refused(producer: Producer) -> None:
    assert pushed(producer, method="PUT") == "405"


def test_without_redis_bsg_is_asked_to_try_again() -> None:
    away = Producer(Settings.build(redis_url="redis://127.0.0.1:1/0", queue_timeout=0.5))

    assert pushed(away, urlencode(report_of("order1")).encode()) == "503"


@pytest.mark.parametrize("secret", ["", "short", "a/b" * 10, "x" * 15, "with blanks and more"])
def test_a_secret_that_is_easily_guessed_is_refused(producer: Producer, secret: str) -> None:
    with pytest.raises(ValueError, match="prints one"):
        callbacks(producer, secret=secret)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200) | st.builds(lambda text: text.encode(), st.text(max_size=200)),
    kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded", ""]),
    query=st.text(st.characters(max_codepoint=255), max_size=50),
)
def test_whatever_is_pushed_gets_a_response(producer: Producer, body: bytes, kind: str, query: str) -> None:
    assert pushed(producer, body, kind=kind, query=query) in ("200", "400")
