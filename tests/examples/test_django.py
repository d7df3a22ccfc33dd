"""The Django example, started as its README says and used over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.web_app import EXAMPLES, Visitor, WebApp, cell, plain
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment

RUNSERVER = ("django", "runserver", "--noreload", "PORT")


def shop_settings(redis_url: str, data: Path) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "SHOP_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "PYTHONPATH": str(EXAMPLES / "django"),
    }


class Shop:
    """The app's settings, and its management commands."""

    def __init__(self, scenario: ScenarioEnvironment, data: Path) -> None:
        self.settings = shop_settings(scenario.redis_url, data)

    def manage(self, app: WebApp | None, *words: str, **settings: str) -> str:
        environment = app.environment if app is not None else WebApp("django", (), self.settings, Path()).environment
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=EXAMPLES / "django",
            env={**environment, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def shop(scenario: ScenarioEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(scenario, tmp_path_factory.mktemp("shop"))
    shop.manage(None, "migrate")
    return shop


@pytest.fixture(scope="module")
def app(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebApp]:
    with WebApp("django", RUNSERVER, shop.settings, tmp_path_factory.mktemp("django") / "log") as app:
        yield app


@pytest.fixture
def visitor(app: WebApp) -> Visitor:
    return Visitor(app)


def follow(shop: Shop, app: WebApp) -> None:
    shop.manage(app, "bsg_follow", "--once")


def states(shop: Shop, app: WebApp) -> str:
    """Return the states of the mailings' campaigns, as the follower has read them."""
    program = (
        "from bsg_campaigns_django.models import Campaign; from campaigns.models import Mailing; "
        "ids = Mailing.objects.order_by('pk').values_list('outgoing__campaign_id', flat=True); "
        "print(*(Campaign.objects.get(pk=one).state for one in ids if one))"
    )
    return shop.manage(app, "shell", "--no-imports", "-c", program).strip()


def test_a_mailing_is_sent_and_its_campaign_is_followed(shop: Shop, app: WebApp, visitor: Visitor) -> None:
    page = visitor.send("/", visitor.form())
    path = page.url.removeprefix(app.url)

    follow(shop, app)
    wait_until(lambda: visitor.get(f"{path}/progress").json()["final"], within=20, what="the campaign to be done")
    follow(shop, app)

    shown = visitor.get(path).text
    assert "Waiting for manage.py bsg_follow" in plain(page.text)
    assert (cell(shown, "finished"), cell(shown, "rejected")) == (2, 1)
    assert "2 12 phone" in plain(shown)
    assert states(shop, app).split()[-1] == "done"


def test_a_form_that_is_sent_twice_is_one_mailing(visitor: Visitor) -> None:
    form = visitor.form()

    assert visitor.send("/", form).url == visitor.send("/", form).url


def test_a_form_without_its_token_is_refused(visitor: Visitor) -> None:
    form = visitor.form()
    del form["csrfmiddlewaretoken"]

    assert visitor.send("/", form).status_code == 403


def test_what_cannot_be_sent_is_reported_with_the_form(visitor: Visitor) -> None:
    nothing = visitor.send("/", visitor.form(), "phone,name\n")
    no_text = visitor.send("/", visitor.form(), b"phone,name\n1,\x98\xc0\n")
    long = visitor.send("/", {**visitor.form(), "sender": "a sender too long"})

    assert [nothing.status_code, no_text.status_code, long.status_code] == [422, 422, 422]
    assert "messages: there are none" in plain(nothing.text)
    assert ".csv, line 2: not UTF-8" in plain(no_text.text)


def test_a_mailing_that_is_written_while_redis_is_away_is_accepted_later_and_once(
    scenario: ScenarioEnvironment, shop: Shop, app: WebApp, tmp_path_factory: pytest.TempPathFactory
) -> None:
    away = {**shop.settings, "REDIS_URL": "redis://127.0.0.1:1/0"}
    with WebApp("django", RUNSERVER, away, tmp_path_factory.mktemp("away") / "log") as unconnected:
        visitor = Visitor(unconnected)
        page = visitor.send("/", visitor.form())
        assert "Waiting for manage.py bsg_follow" in plain(page.text)
        path = page.url.removeprefix(unconnected.url)
    follow(shop, app)  # what earlier tests have written, too
    accepted = len(list(scenario.producer.campaigns()))

    follow(shop, app)

    assert len(list(scenario.producer.campaigns())) == accepted
    assert "State:" in Visitor(app).get(path).text
