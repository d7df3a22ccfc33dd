"""Headless Chromium, where the machine has it: Debian's packages chromium and chromium-driver."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
MISSING = "no chromium with chromedriver on PATH (Debian: apt-get install chromium chromium-driver)"

DESKTOP = (1280, 900)
PHONE = (390, 844)

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # it does not start as root otherwise; it opens nothing but our own pages on loopback
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


def is_installed() -> bool:
    return CHROMIUM is not None and CHROMEDRIVER is not None


@contextmanager
def browser(size: tuple[int, int] = DESKTOP) -> Iterator[Chrome]:
    """A new browser with a page of that size in CSS pixels, and nothing in its profile."""
    assert CHROMIUM is not None, MISSING
    assert CHROMEDRIVER is not None, MISSING
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = CHROMIUM
        for option in (*_OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        driver = Chrome(options=options, service=Service(CHROMEDRIVER))
        try:
            resize(driver, size)
            yield driver
        finally:
            driver.quit()


def resize(driver: Chrome, size: tuple[int, int]) -> None:
    """As narrow as asked for, which a window alone cannot be."""
    width, height = size
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
