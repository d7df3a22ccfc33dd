"""The delivery reports that BSG pushes to the examples for Flask and FastAPI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import requests

from tests.examples.test_fastapi import UVICORN
from tests.examples.test_flask import FLASK
from tests.examples.web_app import WebApp
from tests.scenarios.environment import ScenarioEnvironment

SECRET = "secret-of-the-example"


@pytest.mark.parametrize(("folder", "words"), [("flask", FLASK), ("fastapi", UVICORN)])
def test_a_delivery_report_that_bsg_pushes_is_in_the_feed(
    scenario: ScenarioEnvironment, tmp_path: Path, folder: str, words: Sequence[str]
) -> None:
    settings = {"REDIS_URL": scenario.redis_url, "BSG_CALLBACK_SECRET": SECRET, "SHOP_URL": "https://shop.example"}
    position = scenario.producer.latest_delivery_report()
    with WebApp(folder, words, settings, tmp_path / "log") as app:
        response = requests.post(f"{app.url}/bsg/{SECRET}", data={"reference": "order1", "status": "read"}, timeout=5)
        forged = requests.post(f"{app.url}/bsg/guess", data={"reference": "order1", "status": "read"}, timeout=5)

    assert (response.status_code, forged.status_code) == (200, 404)
    assert [report.status for report in scenario.producer.delivery_reports(since=position)] == ["read"]
