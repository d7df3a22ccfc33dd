"""What is written in a transaction is carried over once if it is committed, and never if it is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from bsg_campaigns_django.models import Campaign, Message, Outgoing, OutgoingState
from bsg_producer import CampaignInvalid, MessageInvalid
from tests.campaigns_django.harness import SHOP, Project, order
from tests.campaigns_django.shop.models import Order


def test_a_message_is_carried_over_with_the_transaction_that_wrote_it(project: Project) -> None:
    with transaction.atomic():
        Order.objects.create(number=1)
        row = Outgoing.objects.add_message("orders", order(1), **SHOP)

    project.follow()

    row.refresh_from_db()
    message = Message.objects.get()
    assert row.state == OutgoingState.CARRIED
    assert (row.message_id, row.campaign_id) == (message.message_id, message.campaign_id)
    assert message.state == "pending"
    assert bytes(row.content) == b""


def test_what_is_rolled_back_was_never_there(project: Project) -> None:
    with transaction.atomic():
        Order.objects.create(number=1)
        Outgoing.objects.add_message("orders", order(1), **SHOP)
        transaction.set_rollback(True)

    project.follow()

    assert list(project.producer.campaigns()) == []
    assert not Order.objects.exists()


def test_many_messages_of_one_stream_go_into_one_campaign_and_each_arrives_once(project: Project) -> None:
    for number in range(5):
        Outgoing.objects.add_message("orders", order(number), **SHOP)

    project.follow()
    project.work()
    project.follow()

    assert sorted(project.arrived()) == sorted(Outgoing.objects.values_list("message_id", flat=True))
    assert set(project.arrived().values()) == {1}
    assert set(Message.objects.values_list("state", flat=True)) == {"finished"}
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.counts["finished"]) == ("orders", 5)


def test_a_campaign_is_carried_over(project: Project) -> None:
    with transaction.atomic():
        row = Outgoing.objects.add_campaign([order(1), order(2), {"phone": "12", "order": 3}], **SHOP, name="news")

    project.follow()

    row.refresh_from_db()
    campaign = Campaign.objects.get()
    assert (row.state, row.campaign_id, row.message_id) == (OutgoingState.CARRIED, campaign.campaign_id, "")
    assert (campaign.name, campaign.messages) == ("news", 3)


def test_a_bad_message_is_reported_at_once_and_no_row_is_written(project: Project) -> None:
    with pytest.raises(MessageInvalid) as bad_phone:
        Outgoing.objects.add_message("orders", {"phone": "12", "order": 1}, **SHOP)
    with pytest.raises(CampaignInvalid, match="priority"):
        Outgoing.objects.add_message("orders", order(1), **SHOP, priority="urgent")
    with pytest.raises(CampaignInvalid, match="there are none"):
        Outgoing.objects.add_campaign([], **SHOP)
    with pytest.raises(CampaignInvalid, match="1: order is a object"):
        Outgoing.objects.add_campaign([order(1), order(2, order=object())], **SHOP)

    assert bad_phone.value.field == "phone"
    assert not Outgoing.objects.exists()


def test_a_message_to_a_suppressed_phone_is_refused_and_the_others_are_sent(project: Project) -> None:
    rows = [Outgoing.objects.add_message("orders", order(number), **SHOP) for number in range(3)]
    project.producer.suppress([order(1)["phone"]])

    project.follow()

    states = [Outgoing.objects.get(pk=row.pk).state for row in rows]
    assert states == [OutgoingState.CARRIED, OutgoingState.REFUSED, OutgoingState.CARRIED]
    assert "suppress" in Outgoing.objects.get(pk=rows[1].pk).error


def test_a_message_whose_deadline_passed_while_it_waited_is_not_sent(project: Project) -> None:
    row = Outgoing.objects.add_message("codes", order(1), **SHOP, deadline=timedelta(minutes=5))
    Outgoing.objects.update(created_at=timezone.now() - timedelta(minutes=6))

    project.follow()

    row.refresh_from_db()
    assert (row.state, bytes(row.content)) == (OutgoingState.EXPIRED, b"")
    assert list(project.producer.campaigns()) == []
