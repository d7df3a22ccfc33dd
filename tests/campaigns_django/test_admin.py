"""The admin shows what was followed, and controls campaigns."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from bsg_campaigns_django.models import Campaign, Message, Outgoing, OutgoingState
from tests.campaigns_django.harness import SHOP, Project, order

pytestmark = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)

CAMPAIGNS = "admin:bsg_campaigns_campaign_changelist"
OUTGOING = "admin:bsg_campaigns_outgoing_changelist"


def client(*permissions: str) -> Client:
    """Return a browser of somebody with these permissions; without any, of a superuser."""
    user = User.objects.create_user("olena", password="secret", is_staff=True, is_superuser=not permissions)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def plain(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def press(client: Client, page: str, action: str, *rows: object, **fields: str) -> Any:
    chosen = {"action": action, "_selected_action": list(rows), **fields}
    return client.post(reverse(page), chosen, follow=True)


def test_campaigns_are_paused_and_resumed_and_the_log_has_who_did_it(project: Project) -> None:
    campaign_id = project.harness.enqueued(2, name="news")
    project.follow()
    browser = client()

    paused = press(browser, CAMPAIGNS, "pause", campaign_id)
    was_paused = project.producer.summary(campaign_id).paused, Campaign.objects.get().paused
    press(browser, CAMPAIGNS, "resume", campaign_id)

    assert "Paused. (1)" in plain(paused)
    assert was_paused == (True, True)
    assert not project.producer.summary(campaign_id).paused
    log = LogEntry.objects.order_by("pk").values_list("user__username", "object_id", "change_message")
    assert list(log) == [("olena", campaign_id, "Paused."), ("olena", campaign_id, "Resumed.")]


def test_a_campaign_is_cancelled_only_after_a_confirmation(project: Project) -> None:
    campaign_id = project.harness.enqueued(2, name="news")
    project.follow()
    browser = client()

    question = press(browser, CAMPAIGNS, "cancel", campaign_id)
    before = project.producer.summary(campaign_id).state
    press(browser, CAMPAIGNS, "cancel", campaign_id, confirmed="yes")

    assert f"news ({campaign_id}): accepted" in plain(question)
    assert before == "accepted"
    assert project.producer.summary(campaign_id).state == "cancelled"
    assert Campaign.objects.get().state == "cancelled"


def test_what_cannot_be_done_is_reported_and_not_logged(project: Project) -> None:
    campaign_id = project.harness.enqueued(1)
    project.follow()
    Campaign.objects.update(campaign_id="0123456789ABCDEFGHIJkl")

    response = press(client(), CAMPAIGNS, "pause", "0123456789ABCDEFGHIJkl")

    assert "there is no campaign 0123456789ABCDEFGHIJkl" in plain(response)
    assert not LogEntry.objects.exists()
    assert not project.producer.summary(campaign_id).paused


def test_who_may_only_view_has_no_buttons(project: Project) -> None:
    campaign_id = project.harness.enqueued(1)
    project.follow()
    browser = client("view_campaign")

    press(browser, CAMPAIGNS, "pause", campaign_id)

    assert browser.get(reverse(CAMPAIGNS)).status_code == 200
    assert not project.producer.summary(campaign_id).paused


@pytest.mark.parametrize("model", [Campaign, Message, Outgoing])
def test_each_page_opens_and_shows_no_phone_and_no_text(project: Project, model: Any) -> None:
    Outgoing.objects.add_message("orders", order(1, order="a secret order"), **SHOP)
    project.follow()
    refused = Outgoing.objects.add_message("orders", order(2, order="a secret order"), **SHOP)
    project.producer.suppress([order(2)["phone"]])
    project.follow()
    browser = client()
    name = f"admin:bsg_campaigns_{model._meta.model_name}"

    pages = [browser.get(reverse(f"{name}_changelist"), {"q": "x"}), browser.get(reverse(f"{name}_changelist"))]
    pages += [browser.get(reverse(f"{name}_change", args=[row.pk])) for row in model.objects.all()]

    assert Outgoing.objects.get(pk=refused.pk).state == OutgoingState.REFUSED
    assert len(pages) > 2
    assert {page.status_code for page in pages} == {200}
    for page in pages:
        assert "380660" not in page.content.decode()
        assert "secret order" not in page.content.decode()
    assert all('name="_save"' not in page.content.decode() for page in pages)


def test_a_refused_row_is_sent_again(project: Project) -> None:
    row = Outgoing.objects.add_message("orders", order(1), **SHOP)
    project.producer.suppress([order(1)["phone"]])
    project.follow()
    project.producer.unsuppress([order(1)["phone"]])

    response = press(client(), OUTGOING, "send_again", row.pk)
    project.follow()

    row.refresh_from_db()
    assert "The follower tries 1 again." in plain(response)
    assert row.state == OutgoingState.CARRIED
