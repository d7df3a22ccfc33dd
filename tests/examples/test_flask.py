"""The Flask example, started as its README says and used over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.examples.web_app import Visitor, WebApp, cell, plain
from tests.monitor.browser import MISSING, browser, is_installed
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment
from tests.servers import RedisServer

FLASK = ("flask", "--app", "app", "run", "--port", "PORT")


@pytest.fixture(scope="module")
def app(scenario: ScenarioEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebApp]:
    log = tmp_path_factory.mktemp("flask") / "log"
    with WebApp("flask", FLASK, {"REDIS_URL": scenario.redis_url}, log) as app:
        yield app


@pytest.fixture
def visitor(app: WebApp) -> Visitor:
    return Visitor(app)


def test_a_file_becomes_a_campaign_whose_page_shows_its_progress_and_its_rejects(
    scenario: ScenarioEnvironment, visitor: Visitor
) -> None:
    page = visitor.send("/campaigns", visitor.form())
    path = page.url.removeprefix(visitor.get("/").url.rstrip("/"))
    campaign = path.rsplit("/", 1)[1]

    scenario.wait_for(campaign, "done")

    assert visitor.get(f"{path}/progress").json()["final"] is True
    shown = visitor.get(path).text
    assert (cell(shown, "finished"), cell(shown, "rejected")) == (2, 1)
    assert "2 12 phone" in plain(shown)


def test_a_form_that_is_sent_twice_is_one_campaign(visitor: Visitor) -> None:
    form = visitor.form()

    assert visitor.send("/campaigns", form).url == visitor.send("/campaigns", form).url


def test_a_key_with_other_content_is_refused(visitor: Visitor) -> None:
    form = visitor.form()
    visitor.send("/campaigns", form)

    again = visitor.send("/campaigns", {**form, "text": "Hello {{ name }}"})

    assert again.status_code == 409
    assert "use a new key for new content" in again.text


@pytest.mark.parametrize(
    ("changes", "contacts", "message"),
    [
        ({"sender": "a sender too long"}, "phone,name\n380661231231,Ann\n", "sender:"),
        ({}, "phone,name\n", "messages: there are none"),
        ({}, b"phone,name\n380661231231,\x98\xc0\n", "messages: contacts.csv, line 2: not UTF-8"),
    ],
)
def test_a_mistake_shows_the_form_again_with_what_to_mend(
    visitor: Visitor, changes: dict[str, str], contacts: str | bytes, message: str
) -> None:
    form = visitor.form()

    again = visitor.send("/campaigns", {**form, **changes}, contacts)

    assert again.status_code == 422
    assert message in plain(again.text)
    assert form["key"] in again.text


def test_an_unknown_campaign_is_not_found(visitor: Visitor) -> None:
    assert visitor.get("/campaigns/nothing").status_code == 404
    assert visitor.get("/campaigns/nothing/progress").status_code == 404


def test_without_redis_the_form_keeps_its_key_for_another_try(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("gone")
    server = RedisServer(directory / "redis")
    with server:
        url = server.url
    with WebApp("flask", FLASK, {"REDIS_URL": url}, directory / "log") as app:
        visitor = Visitor(app)
        form = visitor.form()

        again = visitor.send("/campaigns", form)

    assert again.status_code == 503
    assert "Redis cannot be reached" in again.text
    assert form["key"] in again.text


def text(driver: Chrome, selector: str) -> str:
    """Return what stands there now; "" while there is nothing, as when the page loads anew."""
    return str(driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))


@pytest.mark.skipif(not is_installed(), reason=MISSING)
def test_in_a_browser_the_page_moves_to_the_end_by_itself(
    app: WebApp, tmp_path_factory: pytest.TempPathFactory
) -> None:
    contacts = tmp_path_factory.mktemp("contacts") / "contacts.csv"
    contacts.write_text("phone,name\n" + "".join(f"{380_670_000_000 + row},N{row}\n" for row in range(250)) + "12,x\n")
    with browser() as driver:
        driver.get(app.url)
        driver.find_element(By.ID, "name").send_keys("Autumn sale")
        driver.find_element(By.ID, "sender").send_keys("MyShop")
        driver.find_element(By.ID, "text").send_keys("Hi {{ name }}")
        driver.find_element(By.ID, "contacts").send_keys(str(contacts))
        driver.find_element(By.TAG_NAME, "button").click()

        wait_until(lambda: text(driver, "#state") == "done", within=20, what="the page to be done")
        wait_until(lambda: text(driver, "#rejects"), within=10, what="the rejects to be shown")

        assert text(driver, '[data-state="finished"]') == "250"
