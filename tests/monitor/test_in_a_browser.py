"""The Campaigns tab in headless Chromium against running workers; skipped where there is none.

test_campaigns_tab.py and test_guarded_flower.py test the same over HTTP, without a browser.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.monitor.browser import DESKTOP, MISSING, PHONE, browser, is_installed, resize
from tests.monitor.flower_process import FlowerProcess
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

FITS = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
BACKGROUND = "return getComputedStyle(document.querySelector('.detail-card')).backgroundColor"
TOKEN = "document.querySelectorAll('[name=_xsrf]').forEach(field => { field.value = 'wrong' })"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


@pytest.fixture
def driver(chromium: Chrome) -> Chrome:
    resize(chromium, DESKTOP)
    return chromium


def text_of(driver: Chrome, selector: str) -> str:
    """Return the text of the first such element, or nothing. The table may replace one between finding and reading."""
    return str(driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))


def cell(driver: Chrome, campaign: str, column: str) -> str:
    selector = f'[data-campaign="{campaign}"] [data-column="{column}"]'
    return text_of(driver, selector)


def button(driver: Chrome, text: str) -> WebElement:
    found = driver.find_elements(By.XPATH, f"//button[normalize-space()='{text}']")
    assert len(found) == 1, f"{len(found)} buttons {text}"
    return found[0]


def test_the_table_moves_without_reloading(
    scenario: ScenarioEnvironment, flower: FlowerProcess, driver: Chrome
) -> None:
    driver.get(f"{flower.url}/campaigns")
    driver.execute_script("window.neverReloaded = true")

    campaign = scenario.send(25, name="Autumn sale")

    wait_until(lambda: cell(driver, campaign, "state") == "done", within=20, what="the row to come and move")
    assert cell(driver, campaign, "sent") == "25"
    assert driver.execute_script("return window.neverReloaded") is True
    assert not driver.find_element(By.CSS_SELECTOR, ".campaigns-stale").is_displayed()


def test_the_buttons_pause_resume_and_cancel(
    scenario: ScenarioEnvironment, flower: FlowerProcess, driver: Chrome
) -> None:
    scenario.producer.shut_gate()
    try:
        campaign = scenario.send(25)
        driver.get(f"{flower.url}/campaigns/{campaign}")

        button(driver, "Pause").click()
        wait_until(lambda: scenario.status(campaign).paused, within=10, what="the pause")
        wait_until(lambda: driver.find_elements(By.XPATH, "//button[.='Resume']"), within=10, what="the other button")
        button(driver, "Resume").click()
        wait_until(lambda: not scenario.status(campaign).paused, within=10, what="the resume")

        button(driver, "Cancel").click()
        driver.switch_to.alert.dismiss()
        assert not scenario.status(campaign).cancelled
        button(driver, "Cancel").click()
        driver.switch_to.alert.accept()
        wait_until(lambda: scenario.count(campaign, "cancelled") == 25, within=10, what="the cancel")
        assert "Cancelled:" in driver.find_element(By.CSS_SELECTOR, ".alert-success").text
    finally:
        scenario.producer.open_gate()


def test_a_message_that_was_found_stays_on_the_page_while_the_table_moves(
    scenario: ScenarioEnvironment, flower: FlowerProcess, driver: Chrome
) -> None:
    stream = scenario.producer.stream("alerts", sender="MyShop")
    message_id = stream.send({"phone": 380_661_231_231, "text": "Hello!", "reference_id": "alert17"}).message_id
    driver.get(f"{flower.url}/campaigns/streams")
    driver.find_element(By.NAME, "id").send_keys("alert17")
    button(driver, "Find").click()
    wait_until(lambda: driver.find_elements(By.ID, "message"), within=10, what="the message")

    stream.pause()
    name = '[data-stream="alerts"] [data-column="name"]'
    wait_until(lambda: "paused" in text_of(driver, name), within=10, what="the pause")

    assert message_id in text_of(driver, "#message")
    assert driver.current_url.endswith("/campaigns/streams")


def test_a_wrong_token_gets_403(scenario: ScenarioEnvironment, flower: FlowerProcess, driver: Chrome) -> None:
    scenario.producer.shut_gate()
    try:
        campaign = scenario.send(10)
        driver.get(f"{flower.url}/campaigns/{campaign}")
        driver.execute_script(TOKEN)

        button(driver, "Pause").click()

        wait_until(lambda: driver.current_url.endswith("/pause"), within=10, what="the response")
        status = driver.execute_script("return performance.getEntriesByType('navigation')[0].responseStatus")
        assert status == 403
        assert not scenario.status(campaign).paused
    finally:
        scenario.producer.open_gate()


def test_nothing_is_wider_than_a_phone(scenario: ScenarioEnvironment, flower: FlowerProcess, driver: Chrome) -> None:
    campaign = scenario.send(25, name="A name that is as long as names of campaigns are in real life")
    scenario.wait_for(campaign, "done")
    resize(driver, PHONE)

    for path in ("/campaigns", f"/campaigns/{campaign}", "/campaigns/streams"):
        driver.get(flower.url + path)
        assert driver.execute_script("return document.documentElement.clientWidth") == PHONE[0]
        assert driver.execute_script(FITS), path


def test_the_dark_theme_is_ours_too(flower: FlowerProcess, driver: Chrome) -> None:
    driver.get(f"{flower.url}/campaigns")
    colours = []
    for theme in ("light", "dark"):
        driver.execute_script("document.documentElement.setAttribute('data-bs-theme', arguments[0])", theme)
        colours.append(driver.execute_script(BACKGROUND))

    assert colours == ["rgb(255, 255, 255)", "rgb(27, 34, 25)"]


def test_nothing_comes_from_another_host(scenario: ScenarioEnvironment, flower: FlowerProcess, driver: Chrome) -> None:
    campaign = scenario.send(1)
    for path in ("/campaigns", f"/campaigns/{campaign}"):
        driver.get(flower.url + path)
        loaded = driver.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert len(loaded) > 5
        assert [name for name in loaded if not name.startswith((flower.url, "data:"))] == []


def test_what_is_typed_is_not_overwritten_by_what_is_new(
    scenario: ScenarioEnvironment, flower: FlowerProcess, driver: Chrome
) -> None:
    scenario.sandbox.fault(kind="http_200_error", code=6, times=1)
    campaign = scenario.send(1)
    scenario.wait_for(campaign, "failed")
    scenario.sandbox.clear_faults()
    driver.get(f"{flower.url}/campaigns/{campaign}")
    field = driver.find_element(By.NAME, "hours")

    field.send_keys("7")
    driver.execute_async_script("setTimeout(arguments[0], 2500)")  # longer than the page goes without looking

    assert field.get_property("value") == "7"
    button(driver, "Retry").click()
    scenario.wait_for(campaign, "done")


def test_a_page_that_is_out_of_date_says_so(
    scenario: ScenarioEnvironment, flower: FlowerProcess, driver: Chrome
) -> None:
    driver.get(f"{flower.url}/campaigns")
    driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    try:
        wait_until(
            lambda: driver.find_element(By.CSS_SELECTOR, ".campaigns-stale").is_displayed(),
            within=10,
            what="the page to say that it is not up to date",
        )
    finally:
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**offline, "offline": False})
