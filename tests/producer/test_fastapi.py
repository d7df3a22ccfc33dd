"""The lifespan and the dependency for FastAPI, in apps that uvicorn serves."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import pytest
import requests
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse

from bsg_config.settings import Settings
from bsg_producer import AsyncProducer, CampaignNotFound
from bsg_producer.fastapi import ProducerDep, callbacks, exception_handlers, get_producer, lifespan
from tests.producer.test_enqueueing import producer_at
from tests.servers import RedisServer
from tests.web_servers import serve_asgi

NOWHERE = "redis://127.0.0.1:1/0"
CLOSE_FRAME = b"\x88\x02\x03\xe8"  # of a WebSocket, with the code 1000
SECRET = "s3cret-s3cret-s3cret"


def shop(**options: Any) -> FastAPI:
    """Return an app with a page that sends, and a page for each campaign."""
    app = FastAPI(**{"lifespan": lifespan, "exception_handlers": exception_handlers, **options})

    @app.post("/send")
    async def send(producer: ProducerDep) -> str:
        return (await producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")).campaign_id

    @app.get("/campaigns/{campaign_id}")
    async def show(campaign_id: str, producer: ProducerDep) -> str:
        return (await producer.status(campaign_id)).state

    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[FastAPI]:
        yield app

    with serve_asgi(opened) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def environment(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment names Redis; return its address."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    return redis_url


def test_an_endpoint_sends_with_the_producer_of_its_app(environment: str) -> None:
    with served(shop()) as url:
        campaign = requests.post(f"{url}/send", timeout=10).json()

        assert requests.get(f"{url}/campaigns/{campaign}", timeout=10).json() == "accepted"
    assert producer_at(environment).status(campaign).counts["accepted"] == 1


def test_settings_may_be_given(redis_url: str) -> None:
    given = Settings.build(redis_url=redis_url)

    with served(shop(lifespan=partial(lifespan, settings=given))) as url:
        assert requests.post(f"{url}/send", timeout=10).ok


def test_the_producer_is_closed_when_the_app_ends(
    own_redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", own_redis_server.url)
    with own_redis_server.client() as client:
        before = len(client.client_list())
        with served(shop()) as url:
            requests.post(f"{url}/send", timeout=10)
            assert len(client.client_list()) > before

        assert len(client.client_list()) == before


def test_an_app_may_start_again(environment: str) -> None:
    app = shop()
    for _ in range(2):
        with served(app) as url:
            assert requests.post(f"{url}/send", timeout=10).ok


def test_an_app_with_a_lifespan_of_its_own_enters_this_one(environment: str) -> None:
    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app):
            yield

    with served(shop(lifespan=own)) as url:
        assert requests.post(f"{url}/send", timeout=10).ok


def test_a_web_socket_is_served_with_the_producer_of_its_app(environment: str) -> None:
    app = shop()

    @app.websocket("/campaigns")
    async def count(visitor: WebSocket, producer: ProducerDep) -> None:
        await visitor.accept()
        await visitor.send_text(f"{len([one async for one in producer.campaigns()])} campaigns")
        await visitor.close()

    with served(app) as url, socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as client:
        client.sendall(
            b"GET /campaigns HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + b"A" * 22 + b"==\r\n\r\n"
        )
        received = b""
        # The server closes the connection only when its visitor has closed it too, or after ten seconds.
        while not received.endswith(CLOSE_FRAME) and (piece := client.recv(4096)):
            received += piece

    assert b"0 campaigns" in received


def test_an_exception_of_the_producer_gets_its_status_and_its_text(environment: str) -> None:
    with served(shop()) as url:
        response = requests.get(f"{url}/campaigns/nothing", timeout=10)

    assert response.status_code == 404
    assert response.json()["detail"].startswith("there is no campaign nothing")


def test_without_redis_the_status_is_503_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REDIS_URL", NOWHERE)

    with served(shop()) as url:
        response = requests.post(f"{url}/send", timeout=10)

    assert response.status_code == 503
    assert "Redis cannot be reached" in response.json()["detail"]
    assert "QueueUnavailable: Redis cannot be reached" in caplog.text


def test_a_handler_of_the_app_has_precedence(environment: str) -> None:
    app = shop()

    @app.exception_handler(CampaignNotFound)
    async def gone(_: Request, error: CampaignNotFound) -> PlainTextResponse:
        return PlainTextResponse(f"never heard of {error.campaign_id}", 410)

    with served(app) as url:
        response = requests.get(f"{url}/campaigns/nothing", timeout=10)

    assert (response.status_code, response.text) == (410, "never heard of nothing")


def test_a_test_replaces_the_producer(redis_url: str) -> None:
    app = shop(lifespan=None)
    app.dependency_overrides[get_producer] = lambda: AsyncProducer(Settings.build(redis_url=redis_url))

    with served(app) as url:
        assert requests.post(f"{url}/send", timeout=10).ok


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
@pytest.mark.parametrize(("root_path", "prefix"), [("", ""), ("/api", "/api"), ("/api", "")])
def test_delivery_reports_are_received_where_they_are_mounted(environment: str, root_path: str, prefix: str) -> None:
    app = shop(root_path=root_path)
    app.mount("/bsg", callbacks(secret=SECRET))
    report = {"reference": "order1", "status": "read"}

    with served(app) as url:
        right = requests.post(f"{url}{prefix}/bsg/{SECRET}", data=report, timeout=10)
        forged = requests.post(f"{url}{prefix}/bsg/guess", data=report, timeout=10)

    assert (right.status_code, forged.status_code) == (200, 404)
    assert [found.reference_id for found in producer_at(environment).delivery_reports()] == ["order1"]


def test_an_app_without_the_lifespan_is_named() -> None:
    request = Request({"type": "http", "app": FastAPI()})

    with pytest.raises(RuntimeError, match=r"use FastAPI\(lifespan=bsg_producer.fastapi.lifespan\)"):
        asyncio.run(get_producer(request))
