"""Each example shows what the producer raises with the producer's own text, and never with a 500."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.examples.test_django import RUNSERVER, shop_settings
from tests.examples.test_fastapi import UVICORN
from tests.examples.test_flask import FLASK
from tests.examples.web_app import EXAMPLES, Visitor, WebApp, plain
from tests.servers import RedisServer

UNCLOSED = 'phone,name\n+380 66 123-12-31,"Olena\n+380 66 123-12-32,Taras\n'


class Shop:
    """An app with a Redis of its own, without workers."""

    def __init__(self, app: WebApp, server: RedisServer, manage: Callable[..., str] | None) -> None:
        self.server = server
        self._manage = manage
        self.visitor = Visitor(app)
        self._app = app
        self._form_page = "/" if app.folder.name == "django" else "/campaigns"

    def send(self, contacts: str | None = None) -> tuple[str, int, str]:
        """Return the path that the form led to, the status, and what is shown."""
        form = self.visitor.form()
        response = self.visitor.send(self._form_page, form, *([] if contacts is None else [contacts]))
        return response.url.removeprefix(self._app.url), response.status_code, plain(response.text)

    def carry_over(self) -> str:
        """Run Django's follower once, which carries over what its forms have left. Return what it writes."""
        return "" if self._manage is None else self._manage("bsg_follow", "--once")

    def campaigns(self) -> int:
        with self.server.client() as client:
            return int(client.zcard("bsg:campaigns"))


@pytest.fixture(params=["flask", "fastapi", "django"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    words = {"flask": FLASK, "fastapi": UVICORN, "django": RUNSERVER}[request.param]
    with RedisServer(tmp_path / "redis") as server:
        settings = {"REDIS_URL": server.url, "QUEUE_TIMEOUT": "1"}
        manage = None
        if request.param == "django":
            settings |= shop_settings(server.url, tmp_path)
            manage = partial(run_manage, settings)
            manage("migrate", check=True)
        with WebApp(request.param, words, settings, tmp_path / "log") as app:
            yield Shop(app, server, manage)


def run_manage(settings: Mapping[str, str], *words: str, check: bool = False) -> str:
    """Return what a command of Django's writes."""
    run = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=EXAMPLES / "django",
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=check,
    )
    return run.stdout


def test_without_redis_a_campaigns_page_says_that_it_cannot_be_reached(shop: Shop) -> None:
    path, _, _ = shop.send()
    shop.carry_over()
    shop.server.stop()

    for page in (path, f"{path}/progress"):
        response = shop.visitor.get(page)
        assert (response.status_code, "Redis cannot be reached" in response.text) == (503, True), response.text


def test_a_redis_that_keeps_nothing_is_reported_with_the_remedy(shop: Shop) -> None:
    with shop.server.client() as client:
        client.config_set("appendonly", "no")

    path, status, shown = shop.send()

    # Django's campaign is in its own database, and the follower reports why it stays there.
    assert "set `appendonly yes`" in shown + shop.carry_over()
    assert status == (200 if path.startswith("/mailings/") else 503)
    assert shop.campaigns() == 0


def test_an_order_that_redis_cannot_take_is_reported_and_its_form_keeps_what_was_typed(shop: Shop) -> None:
    form = shop.visitor.form("/orders", {"phone": "+380 66 123-12-31", "name": "Olena", "order": "1742"})
    shop.server.stop()

    response = shop.visitor.post("/orders", form)

    assert response.status_code == 503
    assert "Redis cannot be reached" in response.text
    assert 'value="1742"' in response.text


def test_an_unclosed_quotation_mark_is_reported_and_nothing_is_accepted(shop: Shop) -> None:
    path, status, shown = shop.send(UNCLOSED)

    assert "contacts.csv, line 2: not CSV" in shown
    assert "Look for a stray quotation mark" in shown
    assert status == (200 if path.startswith("/mailings/") else 422)
    assert shop.campaigns() == 0
