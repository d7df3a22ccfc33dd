"""`make screenshots`: the Campaigns tab of a running Flower into docs/images: desktop and phone, light and dark."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome

from bsg_config import clock
from bsg_sandbox.server import Sandbox
from tests.monitor.browser import MISSING, browser, is_installed, resize
from tests.monitor.flower_process import FlowerProcess
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment, messages
from tests.servers import RedisServer

PAGES = {"campaigns": "", "campaign": "/{campaign}", "streams": "/streams"}
SIZES = {"": (1400, 900), "-phone": (390, 1200)}
THEMES = {"": "light", "-dark": "dark"}
VARIANTS = tuple(product(SIZES.items(), THEMES.items()))
PICTURES = {f"{name}{size}{theme}.png" for name in PAGES for (size, _), (theme, _) in VARIANTS}
IMAGES = Path(__file__).parents[2] / "docs" / "images"


def with_rejects(count: int) -> Iterator[Mapping[str, Any]]:
    yield from messages(count, first_phone=380_661_000_000)
    yield from ({"phone": "12", "text": "Hi"} for _ in range(count // 40))
    yield from ({"phone": 380_662_000_000 + number} for number in range(count // 100))


def scene(scenario: ScenarioEnvironment) -> str:
    """Campaigns in most of the states; return the id of the one to look at closely."""
    done = scenario.send(600, name="Order confirmations")
    scenario.wait_for(done, "done")
    scenario.sandbox.fault(kind="cut_before", after_bytes=10, times=1)
    doubtful = scenario.send(90, first_phone=380_663_000_000, name="Password resets")
    wait_until(lambda: any(batch.needs_operator for batch in scenario.status(doubtful).batches), within=30)
    scenario.producer.cancel(scenario.send(400, name="Sent by mistake", start_at=clock.now() + timedelta(hours=1)))
    paused = scenario.send(500, name="Newsletter", start_at=clock.now() + timedelta(hours=1))
    scenario.producer.pause(paused)
    for name, count in (("order-confirmations", 120), ("login-codes", 80)):
        stream = scenario.producer.stream(name, sender="MyShop")
        list(stream.send_many((message, None) for message in messages(count)))
    stream.pause()
    stream.send({"phone": 380_664_000_000, "text": "Your code is 81"})
    large = scenario.producer.enqueue(with_rejects(4000), sender="MyShop", name="Autumn sale").campaign_id
    wait_until(lambda: scenario.count(large, "finished") > 1000, within=60)
    return large


def take(driver: Chrome, url: str, name: str) -> None:
    """Take the picture of a page in each size and theme, as a browser whose system has that theme shows it."""
    for (of_size, size), (of_theme, theme) in VARIANTS:
        features = [{"name": "prefers-color-scheme", "value": theme}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        resize(driver, size)
        driver.get(url)
        target = IMAGES / f"{name}{of_size}{of_theme}.png"
        assert driver.save_screenshot(str(target))
        print(f"{target.relative_to(IMAGES.parents[1])}: {size[0]} x {size[1]}")


def main() -> int:
    if not is_installed():
        print(MISSING, file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        settings = {
            "CAMPAIGN_BATCH_SIZE": "100",
            "BSG_RATE_LIMIT": "5/s",
            "BSG_RATE_BURST": "1",
            "BSG_DUPLICATE_WINDOW": "0",
        }
        with (
            RedisServer(directory / "redis") as server,
            Sandbox() as sandbox,
            ScenarioEnvironment(directory / "scenario", server.url, sandbox, **settings) as scenario,
            FlowerProcess(directory / "flower", {**scenario.processes.settings, "FLOWER_READ_ONLY": "false"}) as flower,
            browser() as driver,
        ):
            scenario.processes.all()
            campaign = scene(scenario)
            driver.get(f"{flower.url}/campaigns/streams")  # a rate needs two looks
            driver.get(f"{flower.url}/campaigns")
            cell = f'[data-campaign="{campaign}"] [data-column="rate"]'
            read = "return document.querySelector(arguments[0])?.innerText ?? '–'"  # the page replaces its elements
            wait_until(lambda: driver.execute_script(read, cell) != "–", within=20, what="a rate")
            for name, path in PAGES.items():
                take(driver, f"{flower.url}/campaigns{path.format(campaign=campaign)}", name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
