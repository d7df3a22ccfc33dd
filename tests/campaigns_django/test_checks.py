"""`manage.py check` finds wrong settings; with --deploy, what would lose or hold messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.test.utils import override_settings

from bsg_broker.liveness import LivenessPings
from tests.campaigns_django.harness import Project
from tests.servers import RedisServer

pytestmark = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)


def found(*, deploy: bool = False, secret: str | None = None, **settings: Any) -> Mapping[str, str]:
    """Return what our checks find with these settings, by the id."""
    with override_settings(BSG_CAMPAIGNS=settings, BSG_CALLBACK_SECRET=secret):
        ours = [one for one in run_checks(include_deployment_checks=deploy) if str(one.id).startswith("bsg_campaigns")]
    return {str(one.id): f"{one.msg} {one.hint}" for one in ours}


def test_wrong_settings_are_named_with_the_remedy(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)

    assert "QUEUE_TIMEOUT" in found(QUEUE_TIMEOUT="soon")["bsg_campaigns.E001"]
    assert "QUEUE_TIMOUT: There is no such setting." in found(QUEUE_TIMOUT=3)["bsg_campaigns.E001"]
    assert "16 letters" in found(REDIS_URL="redis://127.0.0.1:1", secret="short")["bsg_campaigns.E003"]


def test_without_the_address_of_redis_tests_may_run_and_a_deployment_fails(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)

    assert "Set REDIS_URL" in found()["bsg_campaigns.W002"]
    assert "Set REDIS_URL" in found(deploy=True)["bsg_campaigns.E100"]


def test_the_settings_alone_are_checked_without_redis(project: Project) -> None:
    assert found(REDIS_URL="redis://127.0.0.1:1", secret="k3Xw-1gH5_pQz8Lr2Vt9") == {}
    assert list(found(deploy=True, REDIS_URL="redis://127.0.0.1:1")) == ["bsg_campaigns.E101"]


def test_a_redis_that_may_lose_what_it_accepts_is_an_error(project: Project, own_redis_server: RedisServer) -> None:
    with own_redis_server.client() as client:
        client.config_set("appendonly", "no")

    shown = found(deploy=True, REDIS_URL=own_redis_server.url)
    relaxed = found(deploy=True, REDIS_URL=own_redis_server.url, QUEUE_DURABILITY="relaxed")

    assert "appendonly" in shown["bsg_campaigns.E102"]
    assert list(relaxed) == ["bsg_campaigns.W103", "bsg_campaigns.W105"]


def test_workers_that_were_never_seen_are_a_warning(project: Project, redis_url: str) -> None:
    before = found(deploy=True, REDIS_URL=redis_url)
    heartbeats = LivenessPings(project.harness.runtime.redis).heartbeats
    heartbeats.note_worker("worker@host")
    heartbeats.note_tick("beat@host")

    assert list(before) == ["bsg_campaigns.W105"]
    assert found(deploy=True, REDIS_URL=redis_url) == {}


def test_a_body_key_that_is_not_the_workers_is_an_error(project: Project, redis_url: str) -> None:
    key, other = (Fernet.generate_key().decode() for _ in range(2))
    with override_settings(BSG_CAMPAIGNS={"REDIS_URL": redis_url, "BODY_KEY": key}):
        campaign_id = project.producer.enqueue([{"phone": 380660000000, "text": "Hi"}], sender="MyShop").campaign_id

    assert campaign_id in found(deploy=True, REDIS_URL=redis_url, BODY_KEY=other)["bsg_campaigns.E104"]
    assert "bsg_campaigns.E104" not in found(deploy=True, REDIS_URL=redis_url, BODY_KEY=f"{other},{key}")
