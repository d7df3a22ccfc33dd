"""What is sent right after the commit: not before it, and not lost if Redis is away then."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test.utils import override_settings

from bsg_campaigns_django import enqueue_on_commit, send_on_commit
from bsg_campaigns_django.models import Outgoing, OutgoingState
from bsg_producer import CampaignInvalid, IdempotencyConflict, MessageInvalid
from tests.campaigns_django.harness import SHOP, Project, order

pytestmark = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
AWAY = {"REDIS_URL": "redis://127.0.0.1:1"}


def test_it_is_sent_after_the_commit_and_not_before(project: Project) -> None:
    with transaction.atomic():
        enqueue_on_commit([order(1)], **SHOP, name="news")
        send_on_commit("orders", order(2), **SHOP)
        before = list(project.producer.campaigns())

    assert before == []
    assert sorted(campaign.name for campaign in project.producer.campaigns()) == ["news", "orders"]
    assert not Outgoing.objects.exists()


def test_what_is_rolled_back_is_not_sent(project: Project) -> None:
    with transaction.atomic():
        enqueue_on_commit([order(1)], **SHOP)
        send_on_commit("orders", order(2), **SHOP)
        transaction.set_rollback(True)

    assert list(project.producer.campaigns()) == []


def test_what_redis_does_not_take_then_is_carried_over_later_and_once(project: Project) -> None:
    with override_settings(BSG_CAMPAIGNS=AWAY), transaction.atomic():
        enqueue_on_commit([order(1)], **SHOP, idempotency_key="news-7")
        send_on_commit("orders", order(2), **SHOP, idempotency_key="order-2")
    waiting = list(Outgoing.objects.values_list("key", "state"))

    project.follow()
    enqueue_on_commit([order(1)], **SHOP, idempotency_key="news-7")
    send_on_commit("orders", order(2), **SHOP, idempotency_key="order-2")
    project.follow()

    assert waiting == [("news-7", OutgoingState.WAITING), ("order-2", OutgoingState.WAITING)]
    assert set(Outgoing.objects.values_list("state", flat=True)) == {OutgoingState.CARRIED}
    assert sorted((campaign.name, campaign.messages) for campaign in project.producer.campaigns()) == [
        ("", 1),
        ("orders", 1),
    ]


def test_a_key_that_belongs_to_other_content_is_refused(project: Project) -> None:
    project.producer.enqueue([order(9)], **SHOP, idempotency_key="news-7")

    with pytest.raises(IdempotencyConflict):
        enqueue_on_commit([order(1)], **SHOP, idempotency_key="news-7")
    with override_settings(BSG_CAMPAIGNS=AWAY):
        enqueue_on_commit([order(1)], **SHOP, idempotency_key="news-7")
    project.follow()

    row = Outgoing.objects.get()
    assert row.state == OutgoingState.REFUSED
    assert "use a new key for new content" in row.error


def test_messages_of_two_streams_with_the_same_key_are_both_carried_over(project: Project) -> None:
    with override_settings(BSG_CAMPAIGNS=AWAY), transaction.atomic():
        send_on_commit("orders", order(1), **SHOP, idempotency_key="order-1")
        send_on_commit("invoices", order(1), **SHOP, idempotency_key="order-1")
        enqueue_on_commit([order(1)], **SHOP, name="news", idempotency_key="order-1")

    project.follow()

    assert sorted(campaign.name for campaign in project.producer.campaigns()) == ["invoices", "news", "orders"]


def test_another_message_with_a_key_that_waits_is_refused(project: Project) -> None:
    with override_settings(BSG_CAMPAIGNS=AWAY):
        send_on_commit("orders", order(1), **SHOP, idempotency_key="order-1")
        send_on_commit("orders", order(1), **SHOP, idempotency_key="order-1")
        with pytest.raises(IdempotencyConflict, match="what waits to be accepted"):
            send_on_commit("orders", order(2), **SHOP, idempotency_key="order-1")

    assert Outgoing.objects.count() == 1


def test_a_key_whose_row_is_done_is_tried_again(project: Project) -> None:
    project.producer.suppress([order(1)["phone"]])
    with override_settings(BSG_CAMPAIGNS=AWAY):
        send_on_commit("orders", order(1), **SHOP, idempotency_key="order-1")
    project.follow()
    project.producer.unsuppress([order(1)["phone"]])

    with override_settings(BSG_CAMPAIGNS=AWAY):
        send_on_commit("orders", order(1), **SHOP, idempotency_key="order-1")
    project.follow()

    assert Outgoing.objects.get().state == OutgoingState.CARRIED


def test_a_mistake_is_reported_in_the_transaction(project: Project) -> None:
    with pytest.raises(MessageInvalid), transaction.atomic():
        send_on_commit("orders", {"phone": "12", "order": 1}, **SHOP)
    with pytest.raises(CampaignInvalid, match="priority"), transaction.atomic():
        enqueue_on_commit([order(1)], **SHOP, priority="urgent")  # type: ignore[arg-type]
    with pytest.raises(CampaignInvalid, match="idempotency_key"), transaction.atomic():
        enqueue_on_commit([order(1)], **SHOP, idempotency_key="")

    assert list(project.producer.campaigns()) == []
