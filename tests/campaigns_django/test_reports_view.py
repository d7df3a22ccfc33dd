"""The view that receives the delivery reports that BSG pushes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.test import AsyncClient, Client
from django.test.utils import override_settings

from tests.campaigns_django.harness import Project

pytestmark = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
SECRET = "k3Xw-1gH5_pQz8Lr2Vt9"


def push(secret: str, body: Any) -> int:
    with override_settings(BSG_CALLBACK_SECRET=SECRET):
        client = Client(enforce_csrf_checks=True)
        return client.post(f"/bsg/{secret}", body, content_type="application/json").status_code


def test_a_pushed_report_is_in_the_feed(project: Project) -> None:
    campaign_id = project.harness.submitted(1)

    status = push(SECRET, {"reference": f"{campaign_id}000000", "status": "delivered"})

    assert status == 200
    assert [(one.campaign_id, one.status) for one in project.producer.delivery_reports()] == [
        (campaign_id, "delivered")
    ]


def test_others_are_refused(project: Project) -> None:
    report = {"reference": "order17", "status": "delivered"}

    assert push("another-secret-of-20", report) == 404
    assert push(SECRET, {"status": "delivered"}) == 400
    assert push(SECRET, ["x" * 70_000]) == 413
    assert Client().post(f"/bsg/{SECRET}", report, content_type="application/json").status_code == 404
    with override_settings(BSG_CAMPAIGNS={"REDIS_URL": "redis://127.0.0.1:1"}):
        assert push(SECRET, report) == 503


def test_a_report_is_received_in_an_asgi_app_too(project: Project) -> None:
    campaign_id = project.harness.submitted(1)
    report = {"reference": f"{campaign_id}000000", "status": "delivered"}

    async def send() -> int:
        response = await AsyncClient().post(f"/bsg/{SECRET}", report, content_type="application/json")
        return response.status_code

    with override_settings(BSG_CALLBACK_SECRET=SECRET):
        status = asyncio.run(send())

    assert status == 200
    assert len(list(project.producer.delivery_reports())) == 1
