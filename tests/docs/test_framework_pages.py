"""The pages for Flask and FastAPI: their apps start as the pages say, and do what the pages say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi import FastAPI

import bsg_producer
from bsg_cli.embedded_server import DATA_DIRECTORY, EmbeddedServer
from bsg_messages.errors import BSGCampaignsError
from bsg_producer.http_statuses import http_status
from tests.examples.web_app import WebApp
from tests.producer.test_enqueueing import producer_at
from tests.web_servers import serve_asgi, serve_wsgi

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
SERVERS = {
    "flask": ("flask --app shop run", "5000", ("flask", "--app", "shop", "run", "--port", "PORT")),
    "fastapi": ("uvicorn shop:app", "8000", ("uvicorn", "shop:app", "--port", "PORT")),
}


def page_of(framework: str) -> str:
    return (HOW_TO / f"{framework}.md").read_text("utf-8")


def blocks(framework: str, language: str) -> Sequence[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page_of(framework), re.M | re.S)


def names_of(framework: str, redis_url: str) -> dict[str, Any]:
    """Return what all blocks of the page together define, with this Redis in place of the page's."""
    names: dict[str, Any] = {"__name__": "shop"}
    for block in blocks(framework, "python"):
        exec(block.replace("redis://localhost:6379/0", redis_url), names)
    return names


@pytest.mark.skipif(
    shutil.which("curl") is None, reason="the pages ship their orders with curl, which is not installed"
)
@pytest.mark.parametrize("framework", SERVERS)
def test_the_app_of_the_page_sends_one_message_for_an_order(framework: str, redis_url: str, tmp_path: Path) -> None:
    command, port, words = SERVERS[framework]
    (tmp_path / "shop.py").write_text(blocks(framework, "python")[0])
    (ship,) = blocks(framework, "sh")
    assert f" {command}\n" in page_of(framework)

    with WebApp(str(tmp_path), words, {"REDIS_URL": redis_url}, tmp_path / "log") as app:
        shipping = ["sh", "-euc", ship.replace(f"127.0.0.1:{port}", f"127.0.0.1:{app.port}")]
        messages = [json.loads(subprocess.check_output(shipping, timeout=30))["message"] for _ in range(2)]
        shown = requests.get(f"{app.url}/messages/{messages[0]}", timeout=10).json()
        unknown = requests.get(f"{app.url}/messages/nothing", timeout=10)

    assert messages[0] == messages[1]
    assert shown == {"state": "pending"}
    assert (unknown.status_code, "there is no message nothing" in unknown.text) == (404, True)
    assert producer_at(redis_url).message(messages[0]).state == "pending"


def test_the_other_blocks_of_flasks_page_do_what_the_page_says(redis_url: str) -> None:
    names = names_of("flask", redis_url)

    with serve_wsgi(names["app"]) as port:
        url = f"http://127.0.0.1:{port}"
        report = {"reference": "order1742", "status": "read"}
        pushed = requests.post(f"{url}/bsg/{names['SECRET']}", data=report, timeout=10)
        unknown = requests.get(f"{url}/nothing", timeout=10)

    assert pushed.status_code == 200
    assert [found.status for found in producer_at(redis_url).delivery_reports()] == ["read"]
    assert unknown.json()["error"].startswith("The requested URL was not found")


def test_the_other_blocks_of_fastapis_page_do_what_the_page_says(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    names = names_of("fastapi", redis_url)

    with serve_asgi(opened(names["app"])) as port:
        url = f"http://127.0.0.1:{port}"
        report = {"reference": "order1742", "status": "read"}
        pushed = requests.post(f"{url}/bsg/{names['SECRET']}", data=report, timeout=10)
        wrong = requests.post(f"{url}/shipped", json={"phone": "12", "name": "Olena", "order": 1742}, timeout=10)
    with serve_asgi(opened(names["other_app"])) as port:
        assert requests.get(f"http://127.0.0.1:{port}/openapi.json", timeout=10).ok

    assert pushed.status_code == 200
    assert [found.status for found in producer_at(redis_url).delivery_reports()] == ["read"]
    assert (wrong.status_code, wrong.json()["field"], wrong.json()["code"]) == (422, "phone", "invalid_phone")


def opened(app: FastAPI) -> Any:
    @asynccontextmanager
    async def context() -> AsyncIterator[FastAPI]:
        yield app

    return context


@pytest.mark.parametrize("framework", SERVERS)
def test_the_page_has_the_status_of_every_exception(framework: str) -> None:
    rows = re.findall(r"^\| (`.*`) \| (\d{3}) \|$", page_of(framework), re.M)
    shown = {name: int(status) for names, status in rows for name in re.findall(r"`(\w+)`", names)}

    kinds = (getattr(bsg_producer, name) for name in bsg_producer.__all__)
    raised = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BSGCampaignsError)]
    assert shown == {kind.__name__: http_status(kind.__new__(kind)) for kind in raised if kind is not BSGCampaignsError}


@pytest.mark.parametrize(
    "page", ["docs/how-to/django.md", "docs/how-to/flask.md", "docs/how-to/fastapi.md", "examples/README.md"]
)
def test_the_address_of_the_demo_is_where_the_page_looks_for_it(page: str, tmp_path: Path) -> None:
    (command,) = re.findall(r"^```\n(python -c .*)\n```", (HOW_TO.parents[1] / page).read_text("utf-8"), re.M)

    with EmbeddedServer(tmp_path / DATA_DIRECTORY / "demo") as server:
        shown = subprocess.check_output(
            ["sh", "-euc", command.replace("python", sys.executable)], cwd=tmp_path, text=True
        )

        assert shown == f"{server.url}\n"
