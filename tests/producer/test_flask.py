"""The Flask extension, in apps that Werkzeug serves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from bsg_config.settings_invalid import SettingsInvalid
from bsg_producer import CampaignNotFound, Producer
from bsg_producer.flask import BSGCampaigns
from tests.producer.test_enqueueing import producer_at
from tests.web_servers import serve_wsgi

NOWHERE = "redis://127.0.0.1:1/0"
SECRET = "s3cret-s3cret-s3cret"


def shop(campaigns: BSGCampaigns, **given: Any) -> Flask:
    """Return an app with a page that sends, and a page for each campaign."""
    app = Flask("shop")
    app.config["BSG_CAMPAIGNS"] = given
    campaigns.init_app(app)

    @app.post("/send")
    def send() -> str:
        return campaigns.producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!").campaign_id

    @app.get("/campaigns/<campaign_id>")
    def show(campaign_id: str) -> str:
        return campaigns.producer.status(campaign_id).state

    return app


@contextmanager
def served(app: Flask) -> Iterator[str]:
    with serve_wsgi(app) as port:
        yield f"http://127.0.0.1:{port}"


def test_a_view_sends_with_the_producer_of_its_app(redis_url: str) -> None:
    with served(shop(BSGCampaigns(), REDIS_URL=redis_url)) as url:
        campaign = requests.post(f"{url}/send", timeout=10).text

        assert requests.get(f"{url}/campaigns/{campaign}", timeout=10).text == "accepted"
    assert producer_at(redis_url).status(campaign).counts["accepted"] == 1


def test_settings_come_from_the_environment(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    campaigns = BSGCampaigns()

    with shop(campaigns).app_context():
        assert list(campaigns.producer.campaigns()) == []


def test_settings_of_the_app_have_precedence(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", NOWHERE)
    campaigns = BSGCampaigns()

    with shop(campaigns, REDIS_URL=redis_url, QUEUE_TIMEOUT=3).app_context():
        assert list(campaigns.producer.campaigns()) == []


def test_wrong_settings_are_reported_when_the_app_is_made() -> None:
    with pytest.raises(SettingsInvalid, match="QUEUE_TIMEOUT"):
        shop(BSGCampaigns(), REDIS_URL=NOWHERE, QUEUE_TIMEOUT="soon")


def test_a_name_that_no_setting_has_is_reported() -> None:
    with pytest.raises(SettingsInvalid, match="REDIS_ULR: There is no such setting"):
        shop(BSGCampaigns(), REDIS_ULR=NOWHERE)


def test_all_requests_of_a_process_share_one_producer(redis_url: str) -> None:
    campaigns = BSGCampaigns()
    app = shop(campaigns, REDIS_URL=redis_url)

    def seen() -> Producer:
        with app.app_context():
            return campaigns.producer

    assert seen() is seen() is app.extensions["bsg_campaigns"]


def test_a_forked_process_sends_with_the_producer_that_was_made_before(redis_url: str) -> None:
    campaigns = BSGCampaigns()
    app = shop(campaigns, REDIS_URL=redis_url)
    assert app.test_client().post("/send").status_code == 200

    if (child := os.fork()) == 0:
        os._exit(0 if app.test_client().post("/send").status_code == 200 else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert app.test_client().post("/send").status_code == 200
    assert len(list(producer_at(redis_url).campaigns())) == 3


def test_two_apps_of_one_extension_have_a_producer_each(redis_url: str) -> None:
    campaigns = BSGCampaigns()
    first, second = shop(campaigns, REDIS_URL=redis_url), shop(campaigns, REDIS_URL=NOWHERE)

    assert first.test_client().post("/send").status_code == 200
    assert second.test_client().post("/send").status_code == 503


def test_an_exception_of_the_producer_gets_its_status_and_its_text(redis_url: str) -> None:
    with served(shop(BSGCampaigns(), REDIS_URL=redis_url)) as url:
        response = requests.get(f"{url}/campaigns/<b>", timeout=10)

    assert response.status_code == 404
    assert "there is no campaign &lt;b&gt;: check its id" in response.text


def test_without_redis_the_status_is_503_and_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    with served(shop(BSGCampaigns(), REDIS_URL=NOWHERE)) as url:
        response = requests.get(f"{url}/campaigns/{'0' * 22}", timeout=10)

    assert (response.status_code, "Redis cannot be reached" in response.text) == (503, True)
    assert "QueueUnavailable: Redis cannot be reached" in caplog.text


def test_the_app_renders_it_as_it_renders_its_other_http_errors(redis_url: str) -> None:
    app = shop(BSGCampaigns(), REDIS_URL=redis_url)

    @app.errorhandler(HTTPException)
    def as_json(error: HTTPException) -> ResponseReturnValue:
        return jsonify(problem=error.description), error.code or 500

    with served(app) as url:
        response = requests.get(f"{url}/campaigns/nothing", timeout=10)

    assert response.status_code == 404
    assert response.json()["problem"].startswith("there is no campaign nothing")


def test_a_handler_of_the_app_has_precedence(redis_url: str) -> None:
    app = shop(BSGCampaigns(), REDIS_URL=redis_url)

    @app.errorhandler(CampaignNotFound)
    def gone(error: CampaignNotFound) -> ResponseReturnValue:
        return f"never heard of {error.campaign_id}", 410

    with served(app) as url:
        response = requests.get(f"{url}/campaigns/nothing", timeout=10)

    assert (response.status_code, response.text) == (410, "never heard of nothing")


def test_delivery_reports_are_received_beside_the_apps_own_code(redis_url: str) -> None:
    campaigns = BSGCampaigns()
    app = shop(campaigns, REDIS_URL=redis_url)
    app.before_request(lambda: ("log in first", 401))
    campaigns.mount_callbacks(app, "/bsg", secret=SECRET)
    report = {"reference": "order1", "status": "read"}

    with served(app) as url:
        paths = (f"/bsg/{SECRET}", "/bsg/guess", "/send")
        statuses = [requests.post(url + path, data=report, timeout=10).status_code for path in paths]

    assert statuses == [200, 404, 401]
    assert [found.reference_id for found in producer_at(redis_url).delivery_reports()] == ["order1"]


def test_an_app_without_the_extension_is_named() -> None:
    with Flask("shop").app_context(), pytest.raises(RuntimeError, match=r"call init_app\(app\) of BSGCampaigns"):
        _ = BSGCampaigns().producer
