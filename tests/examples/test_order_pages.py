"""The page of each example that sends one message through a stream, used over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from tests.examples.test_django import RUNSERVER, shop_settings
from tests.examples.test_fastapi import UVICORN
from tests.examples.test_flask import FLASK
from tests.examples.web_app import Visitor, WebApp, plain
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment

PHONE = "+380 66 123-12-31"


class OrderPage:
    """Somebody who confirms orders. Each app has orders of its own: the apps share a stream."""

    def __init__(self, app: WebApp) -> None:
        self.app = app
        self.visitor = Visitor(app)

    def confirm(self, order: str, *, phone: str = PHONE, name: str = "Olena") -> requests.Response:
        fields = {"phone": phone, "name": name, "order": f"{self.app.folder.name}-{order}"}
        return self.visitor.post("/orders", self.visitor.form("/orders", fields))

    def path(self, response: requests.Response) -> str:
        """Return the path that the form led to."""
        return response.url.removeprefix(self.app.url)

    def state(self, path: str) -> str:
        found = re.search(r'id="state">(\w+)<', self.visitor.get(path).text)
        assert found
        return found[1]


@pytest.fixture(scope="module", params=["flask", "fastapi", "django"])
def page(
    request: pytest.FixtureRequest, scenario: ScenarioEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OrderPage]:
    words = {"flask": FLASK, "fastapi": UVICORN, "django": RUNSERVER}[request.param]
    directory = tmp_path_factory.mktemp(request.param)
    settings = {"REDIS_URL": scenario.redis_url}
    if request.param == "django":
        settings |= shop_settings(scenario.redis_url, directory)
    with WebApp(request.param, words, settings, directory / "log") as app:
        yield OrderPage(app)


def test_an_order_becomes_one_message_whose_page_shows_its_state(
    scenario: ScenarioEnvironment, page: OrderPage
) -> None:
    shown = page.confirm("1")
    path = page.path(shown)
    message = path.rpartition("/")[2]

    assert path == f"/messages/{message}"
    assert f"Accepted Message {message}" in plain(shown.text)
    wait_until(lambda: page.state(path) == "finished", within=20, what="the message to be finished")
    assert len(scenario.sandbox.record().by_reference[message]) == 1


def test_an_order_that_is_confirmed_twice_is_one_message(page: OrderPage) -> None:
    first = page.confirm("2")

    again = page.confirm("2")

    assert page.path(again) == f"{page.path(first)}?known=yes"
    assert "Already accepted" in plain(again.text)


def test_an_order_with_other_content_is_refused_and_its_form_keeps_what_was_typed(page: OrderPage) -> None:
    page.confirm("3")

    refused = page.confirm("3", name="Taras")

    assert refused.status_code == 409
    assert "use a new key for new content" in plain(refused.text)
    assert 'value="Taras"' in refused.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"phone": "12"}, "phone: "), ({"order": "9" * 300}, "idempotency_key: not a key")],
)
def test_a_mistake_is_reported_with_the_producers_text(page: OrderPage, changes: dict[str, str], message: str) -> None:
    refused = page.confirm(**{"order": "4", **changes})

    assert refused.status_code == 422
    assert message in plain(refused.text)


def test_an_unknown_message_is_not_found(page: OrderPage) -> None:
    response = page.visitor.get("/messages/nothing")

    assert (response.status_code, "there is no message nothing" in response.text) == (404, True)


def test_the_app_logs_no_phone(page: OrderPage) -> None:
    page.confirm("5")
    page.confirm("5", phone="+380 66 1")

    assert "/orders" in page.app.log()
    assert not re.search(r"380\D{0,3}66", page.app.log())
