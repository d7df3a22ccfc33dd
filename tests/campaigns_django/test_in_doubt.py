"""A follower that died while it sent, and is started again so late that nobody knows its keys any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bsg_campaigns_django.models import Outgoing, OutgoingState
from bsg_campaigns_django.outgoing_content import Content
from bsg_messages.body_cipher import BodyCipher
from tests.campaigns_django.dying import follow_and_die
from tests.campaigns_django.harness import SHOP, Project, order

pytestmark = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
DAY = timedelta(days=1)


def die_after_sending(project: Project) -> None:
    """Have a follower die after the ledger has accepted what waits, and before the row says so."""
    for nth in range(1, 100):
        assert follow_and_die(nth)
        if list(project.producer.campaigns()):
            break
    assert Outgoing.objects.get().state == OutgoingState.WAITING


def age(project: Project, by: timedelta) -> None:
    """Have the row's times be so long ago, and the stream's keys forgotten."""
    row = Outgoing.objects.get()
    if row.attempted_at is not None:
        row.attempted_at -= by
    Outgoing.objects.filter(pk=row.pk).update(attempted_at=row.attempted_at, created_at=row.created_at - by)
    redis: Any = project.harness.runtime.redis
    for key in redis.keys("bsg:stream:*:keys:*"):
        redis.delete(key)


def accepted(project: Project) -> int:
    return sum(campaign.messages for campaign in project.producer.campaigns())


def test_a_message_that_may_have_been_sent_is_not_sent_again_but_needs_an_operator(project: Project) -> None:
    Outgoing.objects.add_message("orders", order(1), **SHOP, deadline=timedelta(days=30))
    die_after_sending(project)
    age(project, by=DAY)

    project.follow()

    row = Outgoing.objects.get()
    assert (row.state, accepted(project)) == (OutgoingState.IN_DOUBT, 1)
    assert "it may have been sent" in row.error


def test_a_message_whose_key_is_still_known_is_carried_over_however_late_it_is(project: Project) -> None:
    Outgoing.objects.add_message("orders", order(1), **SHOP, deadline=60)
    die_after_sending(project)
    Outgoing.objects.update(created_at=timezone.now() - timedelta(hours=1))

    project.follow()

    row = Outgoing.objects.get()
    assert (row.state, accepted(project)) == (OutgoingState.CARRIED, 1)
    assert project.producer.message(row.message_id).state == "pending"


def test_a_campaign_that_the_ledger_may_have_forgotten_is_not_enqueued_again(project: Project) -> None:
    Outgoing.objects.add_campaign([order(1)], **SHOP)
    die_after_sending(project)
    age(project, by=timedelta(days=91))

    project.follow()

    assert (Outgoing.objects.get().state, accepted(project)) == (OutgoingState.IN_DOUBT, 1)


def test_a_campaign_that_was_accepted_before_its_deadline_passed_is_not_called_refused(project: Project) -> None:
    row = Outgoing.objects.add_campaign([order(1)], **SHOP)
    die_after_sending(project)
    plain = BodyCipher(())
    content = Content.from_bytes(row.content, plain)
    passed = replace(content, options={**content.options, "deadline": timezone.now() - timedelta(seconds=1)})
    Outgoing.objects.update(content=passed.to_bytes(plain))

    project.follow()

    row.refresh_from_db()
    assert (row.state, accepted(project)) == (OutgoingState.IN_DOUBT, 1)
    assert "deadline" in row.error


def test_what_is_tried_again_in_time_is_one_message_and_one_campaign(project: Project) -> None:
    Outgoing.objects.add_message("orders", order(1), **SHOP)
    die_after_sending(project)
    project.follow()
    Outgoing.objects.all().delete()
    Outgoing.objects.add_campaign([order(2)], **SHOP)
    for nth in range(1, 100):
        if not follow_and_die(nth) or len(list(project.producer.campaigns())) > 1:
            break
    project.follow()

    assert accepted(project) == 2
    assert Outgoing.objects.get().state == OutgoingState.CARRIED
