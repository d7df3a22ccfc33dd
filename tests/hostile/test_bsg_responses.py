"""What a server may respond with: no traceback, no hang, and never taken or not taken without grounds."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from bsg_client import BSGClient, Outcome, OutcomeKind, ReadFailed
from bsg_client.classification import creation_outcome, usable
from bsg_client.lists import listed
from bsg_client.responses import balance_response, campaign_detail, campaign_response, data_of, decode, message_row
from bsg_client.wire import Response
from tests.client.fake_server import (
    MESSAGES,
    OPTIONS,
    Conversation,
    FakeServer,
    responding,
    response_bytes,
    send,
    settings_for,
)
from tests.hostile.strategies import JSON_VALUES, SCALARS, as_json, nested

WORDS = st.sampled_from(["data", "id", "error", "errors", "message", "messages.0.phone", "messages.1.reference_id"])
RESPONSE_LIKE = st.dictionaries(
    WORDS | st.text(max_size=3),
    st.dictionaries(WORDS, SCALARS | st.lists(SCALARS, max_size=2)) | JSON_VALUES,
    max_size=4,
)
BODIES = RESPONSE_LIKE.map(as_json) | JSON_VALUES.map(as_json) | st.binary(max_size=80)
STATUSES = st.sampled_from(
    [200, 201, 202, 204, 301, 400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 503]
) | st.integers(100, 999)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Date"]),
    st.text(max_size=30)
    | st.sampled_from(
        ["9" * 9, "9" * 99, "-1", "nan", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 0001 23:59:59 +9999"]
    ),
)
NO = {
    OutcomeKind.NOT_TAKEN,
    OutcomeKind.THROTTLED,
    OutcomeKind.REFUSED,
    OutcomeKind.ROWS_REFUSED,
    OutcomeKind.ACCOUNT_CLOSED,
}
SAYS_NO = {400, 401, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 429}
NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)


def assert_grounded(outcome: Outcome, status: int, body: bytes, *, whole: bool = True) -> None:
    """Taken only by a whole yes that names a campaign; a no only by a status or a code that says so."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    content = content if isinstance(content, dict) else {}
    if outcome.kind is OutcomeKind.TAKEN:
        assert whole
        assert status in (200, 201, 202)
        assert outcome.campaign is not None
        assert outcome.campaign.id == int(content["data"]["id"]) > 0
        assert content.get("error") in (None, False, 0, "0")
    if outcome.kind in NO:
        assert status in SAYS_NO or (whole and content.get("error"))
    if outcome.kind is OutcomeKind.NOT_TAKEN:
        pytest.fail("a response never means that nothing arrived")
    assert outcome.retry_after is None or outcome.retry_after >= 0
    f"{outcome!r}{outcome.campaign}".encode()


@given(status=STATUSES, body=BODIES, headers=HEADERS, cut=st.sampled_from([None, "response cut off"]))
def test_every_classification_has_its_grounds(
    status: int, body: bytes, headers: dict[str, str], cut: str | None
) -> None:
    outcome = creation_outcome(Response(status, CaseInsensitiveDict(headers), body, cut))

    assert_grounded(outcome, status, body, whole=cut is None)


@given(status=STATUSES, body=BODIES, cut=st.sampled_from([None, "response cut off"]))
def test_a_response_to_a_question_is_usable_or_a_read_failure(status: int, body: bytes, cut: str | None) -> None:
    try:
        content = usable(Response(status, {}, body, cut))
    except ReadFailed:
        return
    data = data_of(content)
    for found in (campaign_response(data), campaign_detail(data, 7), message_row(data), balance_response(data)):
        if found is not None:
            # Whatever is read can be written into Redis, and printed.
            json.dumps([str(getattr(found, name)) for name in found.__slots__], ensure_ascii=False).encode()


@given(pages=st.lists(st.dictionaries(st.just("data"), st.lists(RESPONSE_LIKE, max_size=3) | JSON_VALUES), max_size=4))
def test_a_list_is_read_to_its_end_or_fails(pages: list[dict[str, Any]]) -> None:
    responses = iter([*pages, {"data": []}])
    try:
        rows = list(listed(lambda _: next(responses), {}, campaign_response))
    except ReadFailed:
        return
    assert all(row.id > 0 for row in rows)


@pytest.mark.parametrize(
    "data",
    [
        {"id": -5},
        {"id": 0},
        {"id": "-5"},
        {"id": True},
        {"id": 1.0},
        {"id": 2**63},
        {"id": "9" * 60},
        {"id": [7]},
    ],
    ids=str,
)
def test_an_id_that_no_campaign_can_have_takes_nothing(data: dict[str, Any]) -> None:
    outcome = creation_outcome(Response(200, {}, as_json({"data": data})))

    assert outcome.kind is OutcomeKind.IN_DOUBT


@pytest.mark.parametrize("name", ["calculated_price", "currency", "status"])
def test_words_of_a_campaign_can_be_written_down_whatever_they_are(name: str) -> None:
    value = "1" * 70 + "\ud800" * 100_000
    outcome = creation_outcome(Response(200, {}, as_json({"data": {"id": 5, name: value}})))

    assert outcome.kind is OutcomeKind.TAKEN
    assert len(repr(outcome).encode()) < 1_000


@pytest.mark.parametrize("balance", ["1e999999999", "-1e999999999", "1e-999999999", "Infinity", "sNaN"])
def test_a_balance_that_cannot_be_reckoned_with_is_none(balance: str) -> None:
    assert balance_response({"balance": balance}) is None


@pytest.mark.parametrize("frame", ["%s", '{"data":%s}', '{"message":"x","errors":[%s]}', '{"message":"x","errors":%s}'])
@pytest.mark.parametrize("status", [200, 422])
def test_a_bomb_of_json_is_in_doubt_or_refused_at_every_depth(status: int, frame: str) -> None:
    for depth in (*range(100, 1_000, 7), 5_000, 500_000):
        body = frame.encode().replace(b"%s", nested(depth))
        outcome = creation_outcome(Response(status, {}, body))
        assert outcome.kind in (OutcomeKind.IN_DOUBT, OutcomeKind.REFUSED)
        assert_grounded(outcome, status, body)


def always(page: Any, query: Mapping[str, str]) -> Any:
    return page or {}


def test_a_bomb_of_json_in_the_rows_of_a_list_fails_that_read_only() -> None:
    for depth in (*range(100, 1_000, 7), 5_000):
        row = decode(b'{"data":[{"id":7,"x":' + nested(depth) + b"}]}")
        with pytest.raises(ReadFailed):
            list(listed(partial(always, row), {}, campaign_response))


@pytest.fixture(scope="module")
def mirror() -> Iterator[tuple[FakeServer, list[bytes]]]:
    """Return every connection with the bytes that stand in the list."""
    bytes_to_respond: list[bytes] = []

    def behaviour(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.write(bytes_to_respond[-1])

    with FakeServer(behaviour) as server:
        yield server, bytes_to_respond


@given(
    response=st.binary(max_size=60)
    | st.builds(
        response_bytes, st.integers(200, 599), BODIES, st.sampled_from(["", "Retry-After: 9", "Content-Length: 3"])
    )
    | st.builds(lambda body, cut: response_bytes(200, body)[:-cut], RESPONSE_LIKE.map(as_json), st.integers(1, 30))
)
def test_over_real_http_any_bytes_end_in_a_grounded_classification(
    mirror: tuple[FakeServer, list[bytes]], response: bytes
) -> None:
    server, bytes_to_respond = mirror
    bytes_to_respond.append(response)
    began = time.monotonic()

    outcome = send(server.url)

    assert time.monotonic() - began < 10
    head, _, body = response.partition(b"\r\n\r\n")
    words = head.split()
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    whole = f"content-length: {len(body)}".encode() in head.lower()
    if outcome.kind is OutcomeKind.TAKEN or outcome.kind in NO:
        assert_grounded(outcome, status, body, whole=whole)


def endless(piece: bytes, head: bytes) -> Callable[[Conversation], None]:
    def behaviour(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.write(head)
        # Hardly slower than at once: small lines that pile up unread would make the test slow, not the product.
        while not conversation.stopping.wait(0.002):
            conversation.write(piece)

    return behaviour


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BOMBS = {
    "ten gigabytes": (b" " * 65_536, b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n"),
    "no end": (b" " * 65_536, b"HTTP/1.1 200 OK\r\n\r\n"),
    "chunks without end": (b"10000\r\n" + b" " * 65_536 + b"\r\n", CHUNKED),
    "one chunk without end": (b" " * 65_536, CHUNKED + b"fffffffff\r\n"),
    "a status line without end": (b"x" * 65_536, b"HTTP/1.1 200 "),
    "a header without end": (b"x" * 65_536, b"HTTP/1.1 200 OK\r\nX: "),
    "headers without end": (b"X: y\r\n" * 100, b"HTTP/1.1 200 OK\r\n"),
    "100s without end": (b"HTTP/1.1 100 Continue\r\n\r\n" * 100, b""),
    "trailers without end": (b"X: y\r\n" * 100, CHUNKED + b"0\r\n"),
    "a chunk's size without end": (b"0" * 65_536, CHUNKED),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_on_the_wire_is_in_doubt_in_bounded_time_and_memory(bomb: str) -> None:
    with FakeServer(endless(*BOMBS[bomb])) as server:
        client = BSGClient(settings_for(server.url).account, None)
        began = time.monotonic()
        tracemalloc.start()
        try:
            outcome = client.send_individual(MESSAGES, OPTIONS, lambda: True)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert outcome.kind is OutcomeKind.IN_DOUBT
    # The request is cut after 1 s; what had arrived by then is still read, slowly where it is many small lines.
    assert time.monotonic() - began < 20
    assert most < 32 << 20


@pytest.mark.parametrize("bomb", ["ten gigabytes", "chunks without end"])
def test_a_bomb_in_place_of_a_list_fails_that_read(bomb: str) -> None:
    with FakeServer(endless(*BOMBS[bomb])) as server, pytest.raises(ReadFailed):
        list(BSGClient(settings_for(server.url).account, None).campaigns(NOW - timedelta(days=1), NOW))


def test_a_compressed_bomb_is_not_unpacked() -> None:
    import gzip

    body = gzip.compress(b" " * (64 << 20))
    with FakeServer(responding(200, body, "Content-Encoding: gzip")) as server:
        tracemalloc.start()
        try:
            outcome = send(server.url)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert outcome.kind is OutcomeKind.IN_DOUBT
    assert most < 32 << 20
