"""`make screenshots`: the page of a campaign in the Flask example, half way, into the example's folder."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from selenium.webdriver.common.by import By

from bsg_sandbox.server import Sandbox
from tests.examples.test_flask import FLASK
from tests.examples.web_app import EXAMPLES, WebApp
from tests.monitor.browser import MISSING, browser, is_installed
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment
from tests.servers import RedisServer

TARGET = EXAMPLES / "flask" / "screenshot.png"
SLOW = {"CAMPAIGN_BATCH_SIZE": "100", "BSG_RATE_LIMIT": "4/s", "BSG_RATE_BURST": "1"}
SIZE = (900, 980)


def contacts() -> str:
    good = (f"{380_670_000_000 + row},N{row}\n" for row in range(4_000))
    return "phone,name\n12,Nobody\n" + "".join(good) + "+380 66 123,Olena\n"


def main() -> int:
    if not is_installed():
        print(MISSING, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        file = directory / "contacts.csv"
        file.write_text(contacts())
        with (
            RedisServer(directory / "redis") as server,
            Sandbox() as sandbox,
            ScenarioEnvironment(directory / "scenario", server.url, sandbox, **SLOW) as scenario,
            WebApp("flask", FLASK, {"REDIS_URL": server.url}, directory / "log") as app,
            browser(SIZE) as driver,
        ):
            scenario.processes.all()
            driver.get(app.url)
            given = {"name": "Autumn sale", "sender": "MyShop", "text": "Hi {{ name }}", "contacts": str(file)}
            for field, value in given.items():
                driver.find_element(By.ID, field).send_keys(value)
            driver.find_element(By.TAG_NAME, "button").click()
            wait_until(lambda: driver.find_elements(By.ID, "rejects"), within=20, what="the rejects")
            cell = '[data-state="finished"]'
            wait_until(lambda: int(driver.find_element(By.CSS_SELECTOR, cell).text) > 1_500, within=60, what="half")
            assert driver.save_screenshot(str(TARGET))
            print(f"{TARGET.relative_to(EXAMPLES.parent)}: {SIZE[0]} x {SIZE[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
