"""`manage.py bsg_prune` deletes what has ended long ago, and nothing that is needed."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bsg_campaigns_django import pruning
from bsg_campaigns_django.models import Campaign, Message, Outgoing, OutgoingState
from tests.campaigns_django.harness import SHOP, Project, order
from tests.campaigns_django.shop.models import Order

DAY = timedelta(days=1)


def prune(**options: Any) -> str:
    printed = StringIO()
    call_command("bsg_prune", stdout=printed, **options)
    return printed.getvalue()


def age(rows: Any, by: timedelta) -> None:
    field = "created_at" if rows.model is Outgoing else "accepted_at"
    rows.update(**{field: timezone.now() - by})


def carried_over(number: int) -> Outgoing:
    return Outgoing.objects.add_message("orders", order(number), **SHOP)


def test_a_campaign_that_ended_long_ago_is_deleted_with_its_messages_and_no_other_one(project: Project) -> None:
    old, running, new = (project.producer.enqueue([order(n)], **SHOP).campaign_id for n in range(3))
    project.producer.cancel(old)
    project.producer.cancel(new)
    project.follow()
    Message.objects.create(message_id=f"{old}000000", campaign_id=old, index=0)
    Message.objects.create(message_id=f"{new}000000", campaign_id=new, index=0)
    age(Campaign.objects.exclude(pk=new), by=91 * DAY)

    printed = prune()

    assert set(Campaign.objects.values_list("pk", flat=True)) == {running, new}
    assert [message.campaign_id for message in Message.objects.all()] == [new]
    assert printed == "Deleted 1 campaigns and 0 outgoing rows that are older than 90 days.\n"


def test_rows_that_are_needed_still_are_kept_however_old_they_are(project: Project) -> None:
    rows = {state: carried_over(number) for number, state in enumerate(OutgoingState)}
    for state, row in rows.items():
        Outgoing.objects.filter(pk=row.pk).update(state=state)
    age(Outgoing.objects.all(), by=8 * DAY)

    before = prune(older_than=9), Outgoing.objects.count()
    prune(older_than=7)

    assert before == ("Deleted 0 campaigns and 0 outgoing rows that are older than 9 days.\n", len(OutgoingState))
    kept = {OutgoingState.WAITING, OutgoingState.REFUSED, OutgoingState.IN_DOUBT}
    assert set(Outgoing.objects.values_list("state", flat=True)) == kept


def test_a_row_that_the_project_protects_is_kept_and_the_others_are_deleted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 3)
    rows = [carried_over(number) for number in range(7)]
    for number in (1, 5, 6):
        Order.objects.create(number=number, outgoing=rows[number])
    Outgoing.objects.update(state=OutgoingState.CARRIED)
    age(Outgoing.objects.all(), by=DAY)

    printed = prune(older_than=0.5)

    assert list(Outgoing.objects.order_by("pk").values_list("pk", flat=True)) == [rows[n].pk for n in (1, 5, 6)]
    assert "4 outgoing rows" in printed


def test_a_report_that_comes_after_its_campaign_was_deleted_is_shown(project: Project) -> None:
    campaign_id = project.harness.submitted(1)
    project.producer.cancel(campaign_id)
    project.work()
    project.follow()
    age(Campaign.objects.all(), by=DAY)
    prune(older_than=0.5)
    deleted = not Campaign.objects.exists()
    project.producer.record_reports([{"reference": f"{campaign_id}000000", "status": "delivered"}])

    project.follow()

    assert deleted
    assert Message.objects.get().report == "delivered"


def test_an_age_below_zero_is_refused(project: Project) -> None:
    with pytest.raises(CommandError, match="must not be negative"):
        prune(older_than=-1)
