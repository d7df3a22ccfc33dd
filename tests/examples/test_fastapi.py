"""The FastAPI example, started as its README says and used over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import requests

from tests.examples.web_app import Visitor, WebApp, cell, plain
from tests.scenarios.environment import ScenarioEnvironment

UVICORN = ("uvicorn", "app:app", "--port", "PORT")


@pytest.fixture(scope="module")
def app(scenario: ScenarioEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebApp]:
    log = tmp_path_factory.mktemp("fastapi") / "log"
    with WebApp("fastapi", UVICORN, {"REDIS_URL": scenario.redis_url}, log) as app:
        yield app


@pytest.fixture
def visitor(app: WebApp) -> Visitor:
    return Visitor(app)


def events(app: WebApp, path: str) -> list[dict[str, Any]]:
    """Return all server-sent events of the page, until they end."""
    with requests.get(f"{app.url}{path}/progress", stream=True, timeout=20) as response:
        lines = [line for line in response.iter_lines(decode_unicode=True) if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_a_file_becomes_a_campaign_whose_page_shows_how_it_goes(app: WebApp, visitor: Visitor) -> None:
    page = visitor.send("/campaigns", visitor.form())
    path = page.url.removeprefix(app.url)

    *_, last, final = events(app, path)

    assert final == {}
    assert last["state"] == "done"
    assert (last["counts"]["finished"], last["counts"]["rejected"]) == (2, 1)
    shown = visitor.get(path).text
    assert cell(shown, "rejected") == 1
    assert "2 12 phone" in plain(shown)


def test_a_form_that_is_sent_twice_is_one_campaign(visitor: Visitor) -> None:
    form = visitor.form()

    assert visitor.send("/campaigns", form).url == visitor.send("/campaigns", form).url


def test_a_key_with_other_content_is_refused(visitor: Visitor) -> None:
    form = visitor.form()
    visitor.send("/campaigns", form)

    assert visitor.send("/campaigns", {**form, "text": "Hello {{ name }}"}).status_code == 409


@pytest.mark.parametrize(
    ("contacts", "message"),
    [
        ("phone,name\n", "messages: there are none"),
        (b"phone,name\n380661231231,\x98\xc0\n", "messages: contacts.csv, line 2: not UTF-8"),
    ],
)
def test_a_mistake_shows_the_form_again_with_what_to_mend(
    visitor: Visitor, contacts: str | bytes, message: str
) -> None:
    again = visitor.send("/campaigns", visitor.form(), contacts)

    assert again.status_code == 422
    assert message in plain(again.text)


def test_an_unknown_campaign_is_not_found(visitor: Visitor) -> None:
    assert visitor.get("/campaigns/nothing").status_code == 404
    assert visitor.get("/campaigns/nothing/progress").status_code == 404


def test_other_requests_get_a_response_while_an_enqueue_waits_for_redis(
    scenario: ScenarioEnvironment, app: WebApp, visitor: Visitor
) -> None:
    form = visitor.form()
    client: Any = redis.Redis.from_url(scenario.redis_url)
    client.client_pause(1_500)
    began = time.monotonic()
    ended: list[float] = []

    def send() -> None:
        visitor.send("/campaigns", form)
        ended.append(time.monotonic() - began)

    sending = threading.Thread(target=send)
    sending.start()
    time.sleep(0.3)
    assert requests.get(app.url, timeout=5).ok
    responded = time.monotonic() - began
    sending.join()

    assert responded < 1.2 < ended[0]
