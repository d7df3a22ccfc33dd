from __future__ import annotations

import http.client
import json
import threading
import time

import pytest
import requests

from bsg_sandbox.server import Sandbox
from bsg_sandbox.texts import GSM_BASIC, segments_of, segments_of_all
from tests.sandbox.sandbox_calls import INDIVIDUAL, message, messages, taken

KEY = {"X-API-KEY": "live_sandbox"}


def test_10_000_messages_take_as_much_processor_time_as_reading_their_json_a_few_times(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
    ratios = []
    for run in range(3):
        text = "Dear customer, your order is ready to be picked up at the shop: "
        rows = [row | {"text": f"{text}{row['phone']}"} for row in messages(10_000, f"run{run}x")]
        body = json.dumps({"messages": rows}).encode()
        began = time.process_time()
        connection.request("POST", INDIVIDUAL, body, KEY)
        response = connection.getresponse()
        response.read()
        taken_after = time.process_time()
        json.loads(body)
        ratios.append((taken_after - began) / (time.process_time() - taken_after))
        assert response.status == 200
    connection.close()

    assert min(ratios) < 8, ratios


def test_100_requests_are_served_at_once(sandbox: Sandbox) -> None:
    sandbox.configure(latency=0.5)
    responded: list[int] = []

    def ask(number: int) -> None:
        response = requests.post(
            sandbox.url + INDIVIDUAL, json={"messages": [message(number)]}, headers=KEY, timeout=20
        )
        responded.append(response.status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert responded == [200] * 100
    summary = sandbox.summary()
    assert summary.messages == 100
    assert summary.most_requests_at_once > 50


def test_the_same_reference_ids_posted_at_once_are_kept_once(sandbox: Sandbox) -> None:
    statuses: list[int] = []

    def ask() -> None:
        response = requests.post(sandbox.url + INDIVIDUAL, json={"messages": messages(50)}, headers=KEY, timeout=20)
        statuses.append(response.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] + [422] * 7
    assert sandbox.summary().messages == 50


def test_a_connection_serves_many_requests(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
    connection.connect()
    socket_at_first = connection.sock
    for _ in range(3):
        connection.request("GET", "/api/accounts/balance", headers=KEY)
        assert connection.getresponse().read()

    assert connection.sock is socket_at_first
    connection.close()


def test_a_body_in_chunks_is_read(sandbox: Sandbox) -> None:
    body = json.dumps({"messages": messages(2)}).encode()

    response = requests.post(sandbox.url + INDIVIDUAL, data=iter([body[:20], body[20:]]), headers=KEY, timeout=5)

    assert response.status_code == 200


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(sandbox: Sandbox) -> None:
    body = json.dumps({"messages": messages(1)}).encode()
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
    connection.putrequest("POST", INDIVIDUAL)
    for name, value in (KEY | {"Expect": "100-continue", "Content-Length": str(len(body))}).items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"

    connection.send(body)

    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", b"400"),
    ],
)
def test_what_is_no_http_is_refused(sandbox: Sandbox, sent: bytes, status: bytes) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=5)
    connection.connect()
    connection.sock.sendall(sent)

    assert connection.sock.recv(100).split()[1] == status
    connection.close()


def test_a_sink_counts_and_keeps_nothing() -> None:
    with Sandbox(sink=True) as sandbox:
        ids = {taken(sandbox, messages(100))["id"] for _ in range(3)}

        summary = sandbox.summary()
        assert (len(ids), summary.campaigns, summary.messages, summary.requests) == (3, 3, 300, 3)
        assert summary.body_bytes > 300 * 50
        assert sandbox.record().recipients == {}


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 80 + "a", 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        (GSM_BASIC, 1),
        ("`" * 71, 2),
        ("\x00" * 71, 2),
    ],
)
def test_segments_are_counted_alike_alone_and_together(text: str, segments: int) -> None:
    assert segments_of(text) == segments
    assert segments_of_all([text, text]) == 2 * segments
    assert segments_of_all([text, "ж"]) == segments + 1


def test_texts_with_any_character_are_read_back_as_they_came(sandbox: Sandbox) -> None:
    texts = ["a\x00b", "\ud800", "😀", "plain"]
    taken(sandbox, [message(number, text=text) for number, text in enumerate(texts)])

    response = requests.get(sandbox.url + "/api/messages", headers=KEY, timeout=5)

    assert [row["text"] for row in response.json()["data"]] == texts
