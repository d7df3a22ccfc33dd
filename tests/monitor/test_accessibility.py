"""The pages of the Campaigns tab have no violation that axe-core finds, and work with a keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium_axe_python.axe import Axe

from tests.monitor.browser import DESKTOP, MISSING, PHONE, browser, is_installed, resize
from tests.monitor.flower_process import FlowerProcess
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment, messages

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A colour on its way to that of another theme is not what people read.
WITHOUT_TRANSITIONS = """
const still = document.createElement("style");
still.textContent = "*, ::before, ::after { transition: none !important; animation: none !important }";
document.head.append(still);
"""
PATHS = ("", "/{campaign}", "/streams", "/doubts", "/operators")
# The name of a row, its bar, and a state below the name need none.
WITHOUT_A_LABEL = """
return [...document.querySelectorAll(".campaigns-table tbody td:not(:first-child, [colspan], .campaigns-progress)")]
    .filter(cell => !cell.dataset.label && cell.dataset.column !== "state").map(cell => cell.outerHTML)
"""
FOCUSED = "return document.activeElement.getAttribute('href') ?? document.activeElement.name"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


@pytest.fixture(scope="module")
def campaign(running: ScenarioEnvironment) -> Iterator[str]:
    """A campaign with rejects and a batch in doubt, so that each section of its page is there."""
    bad: list[dict[str, object]] = [{"phone": "12", "text": "Hi"}]
    running.sandbox.fault(kind="cut_before", after_bytes=10, times=1)
    campaign = running.producer.enqueue([*messages(25), *bad], sender="MyShop", name="Autumn sale").campaign_id
    wait_until(lambda: any(batch.needs_operator for batch in running.status(campaign).batches), within=30)
    running.producer.stream("codes", sender="MyShop").send({"phone": 380_661_231_231, "text": "Your code: 1"})
    yield campaign
    running.producer.resolve_all_not_sent(running.producer.doubts())


def violations(driver: Chrome) -> list[str]:
    """Return each violation with the element that has it, in Flower's own part of the page too."""
    axe = Axe(driver)
    axe.inject()
    found = axe.run(options={"runOnly": {"type": "tag", "values": TAGS}})["violations"]
    return [f"{one['id']}: {node['html'][:200]}: {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", [*PATHS, "?state=live&order=-cost", f"?search={'0' * 32}"])
def test_axe_core_finds_no_violation(
    flower: FlowerProcess, chromium: Chrome, campaign: str, path: str, size: tuple[int, int], theme: str
) -> None:
    resize(chromium, size)
    chromium.get(f"{flower.url}/campaigns{path.format(campaign=campaign)}")
    chromium.execute_script(WITHOUT_TRANSITIONS)
    chromium.execute_script("document.documentElement.setAttribute('data-bs-theme', arguments[0])", theme)

    assert violations(chromium) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_core_finds_no_violation_in_what_a_search_and_a_button_report(
    running: ScenarioEnvironment, flower: FlowerProcess, chromium: Chrome, theme: str
) -> None:
    resize(chromium, DESKTOP)
    receipt = running.producer.stream("codes", sender="MyShop").send({"phone": 380_661_231_231, "text": "Your code: 1"})
    campaign = running.send(1)
    running.wait_for(campaign, "done")
    for path, searched, shown in (
        ("", "no such campaign", ".empty-table-message"),
        ("/streams", "nosuchmessage", "#not-found"),
        ("/streams", receipt.message_id, "#message"),
        (f"/{campaign}?done=pause", "", ".alert-success"),
    ):
        chromium.get(f"{flower.url}/campaigns{path}")
        if searched:
            chromium.find_element(By.CSS_SELECTOR, ".campaigns-search").send_keys(searched, Keys.ENTER)
        wait_until(partial(chromium.find_elements, By.CSS_SELECTOR, shown), within=10, what=shown)
        chromium.execute_script(WITHOUT_TRANSITIONS)
        chromium.execute_script("document.documentElement.setAttribute('data-bs-theme', arguments[0])", theme)

        assert violations(chromium) == [], shown


@pytest.mark.parametrize("path", PATHS)
def test_on_a_phone_each_value_stands_beside_its_label(
    flower: FlowerProcess, chromium: Chrome, campaign: str, path: str
) -> None:
    resize(chromium, PHONE)
    chromium.get(f"{flower.url}/campaigns{path.format(campaign=campaign)}")

    assert chromium.execute_script(WITHOUT_A_LABEL) == []


def test_axe_core_finds_a_violation_where_there_is_one(flower: FlowerProcess, chromium: Chrome) -> None:
    chromium.get(f"{flower.url}/campaigns")
    chromium.execute_script("document.querySelector('[name=search]').closest('label').replaceWith(...arguments)")
    chromium.execute_script("document.querySelector('main').append(document.createElement('button'))")

    assert any(one.startswith("button-name") for one in violations(chromium))


def test_the_focus_stays_where_it_is_while_the_table_moves(
    running: ScenarioEnvironment, flower: FlowerProcess, chromium: Chrome
) -> None:
    resize(chromium, DESKTOP)
    campaign = running.send(1, name="Held in focus")
    wait_until(lambda: _is_listed(chromium, flower, campaign), within=10, what="the campaign to be listed")
    link = f'[data-campaign="{campaign}"] a'
    chromium.execute_script("document.querySelector(arguments[0]).focus()", link)
    before = chromium.execute_script(FOCUSED)

    other = running.send(1)
    row = f'[data-campaign="{other}"]'
    wait_until(lambda: chromium.find_elements(By.CSS_SELECTOR, row), within=10, what="the table to move")

    assert before == f"/campaigns/{campaign}"
    assert chromium.execute_script(FOCUSED) == before
    assert chromium.execute_script("return document.activeElement.isConnected")


def test_a_campaign_is_found_sorted_and_opened_with_the_keyboard(
    running: ScenarioEnvironment, flower: FlowerProcess, chromium: Chrome
) -> None:
    resize(chromium, DESKTOP)
    campaign = running.send(1, name="Found by keyboard")
    wait_until(lambda: _is_listed(chromium, flower, campaign), within=10, what="the campaign to be listed")

    _tab_to(chromium, "search")
    _press(chromium, "found by keyboard", Keys.ENTER)
    wait_until(lambda: "search=" in chromium.current_url, within=10, what="the result")
    _tab_to(chromium, "order=-cost")
    _press(chromium, Keys.ENTER)
    wait_until(lambda: "order=-cost" in chromium.current_url, within=10, what="the order")
    assert chromium.find_element(By.CSS_SELECTOR, "[aria-sort=descending]").text.startswith("Cost")
    _tab_to(chromium, f"/campaigns/{campaign}")
    _press(chromium, Keys.ENTER)
    wait_until(lambda: chromium.current_url.endswith(f"/campaigns/{campaign}"), within=10, what="the campaign's page")


def _is_listed(driver: Chrome, flower: FlowerProcess, campaign: str) -> bool:
    driver.get(f"{flower.url}/campaigns")
    return bool(driver.find_elements(By.CSS_SELECTOR, f'[data-campaign="{campaign}"]'))


def _tab_to(driver: Chrome, name: str) -> None:
    """Press Tab until the focus is on what has that in its name or in its address."""
    for _ in range(100):
        _press(driver, Keys.TAB)
        if name in (driver.execute_script(FOCUSED) or ""):
            return
    raise AssertionError(f"Tab does not lead to {name}")


def _press(driver: Chrome, *keys: str) -> None:
    """Press the keys where the focus is: the table may replace what has it."""
    ActionChains(driver).send_keys(*keys).perform()
