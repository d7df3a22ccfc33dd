"""What an app makes in a test leads to that test's Redis and to the sandbox, whatever the app is configured to do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.test.utils import override_settings
from fastapi import FastAPI
from flask import Flask

import tests.campaigns_django  # noqa: F401 - sets Django up
from bsg_campaigns_django.configuration import producer as producer_of_django
from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid
from bsg_producer.fastapi import lifespan
from bsg_producer.flask import BSGCampaigns
from bsg_testing import CampaignsEnvironment
from bsg_testing.redis_servers import Mode

REAL = {"REDIS_URL": "redis://127.0.0.1:1/0", "BSG_API_KEY": "live_real", "BSG_BASE_URL": "http://127.0.0.1:1"}
HELLO: dict[str, Any] = {"messages": [{"phone": 380661231231}], "sender": "MyShop", "text": "Hello!"}


def test_the_configuration_of_a_flask_app_leads_no_test_to_a_real_redis(environment: CampaignsEnvironment) -> None:
    app = Flask("shop")
    app.config["BSG_CAMPAIGNS"] = REAL
    campaigns = BSGCampaigns(app)

    with app.app_context():
        campaigns.producer.enqueue(**HELLO)
        price = campaigns.producer.preview(**HELLO, price=True).price

    environment.assert_sent(text="Hello!")
    assert price is not None


def test_settings_that_a_fastapi_app_makes_lead_no_test_to_a_real_redis(environment: CampaignsEnvironment) -> None:
    app = FastAPI()

    async def enqueue() -> None:
        async with lifespan(app, settings=Settings.build(redis_url=REAL["REDIS_URL"], queue_durability="relaxed")):
            await app.state.bsg_producer.enqueue(**HELLO)

    asyncio.run(enqueue())

    environment.assert_sent(text="Hello!")


def test_the_settings_of_a_django_project_lead_no_test_to_a_real_redis(mode: Mode) -> None:
    with override_settings(BSG_CAMPAIGNS=REAL):
        before = producer_of_django()
        with CampaignsEnvironment(mode, settings={"CAMPAIGN_BATCH_SIZE": 1}) as environment:
            producer_of_django().enqueue([{"phone": 380661231231}, {"phone": 380661231232}], sender="MyShop", text="Hi")
            environment.assert_sent(text="Hi", times=2)
            environment.drain()
            assert environment.sandbox.summary().campaigns == 2
            used = producer_of_django()

        assert producer_of_django() not in (before, used)


def test_a_named_account_of_an_apps_configuration_has_no_real_key(environment: CampaignsEnvironment) -> None:
    app = Flask("shop")
    app.config["BSG_CAMPAIGNS"] = {
        **REAL,
        "BSG_API_KEY__NEWS": "live_real_news",
        "BSG_BASE_URL__NEWS": "http://127.0.0.1:1",
    }
    campaigns = BSGCampaigns(app)

    with app.app_context():
        price = campaigns.producer.preview(**HELLO, account="news", price=True).price

    assert price is not None


def test_a_setting_that_does_not_exist_is_named(mode: Mode) -> None:
    with pytest.raises(SettingsInvalid, match="CAMPAIGN_BATCH_SIZ: There is no such setting"):
        CampaignsEnvironment(mode, settings={"CAMPAIGN_BATCH_SIZ": 100}).open()
