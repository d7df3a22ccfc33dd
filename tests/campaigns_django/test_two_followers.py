"""Followers that run at once: what one has followed, another one does not follow again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS

from bsg_campaigns_django import signals
from bsg_campaigns_django.following import follow_delivery_reports, follow_events
from bsg_campaigns_django.models import FeedPosition, Message, Outgoing, OutgoingState
from bsg_producer import Producer
from tests.campaigns_django.dying import follow_at_once
from tests.campaigns_django.harness import SHOP, Project, order, receiving
from tests.campaigns_django.shop.models import Seen


class Overtaken(Producer):
    """The producer of a follower that another one overtakes after it has read a feed."""

    def overtake_with(self, other: Callable[[], object]) -> None:
        self._other = other

    def events(self, **position: Any) -> Iterator[Any]:
        read = list(super().events(**position))
        self._other()
        return iter(read)

    def delivery_reports(self, **position: Any) -> Iterator[Any]:
        read = list(super().delivery_reports(**position))
        self._other()
        return iter(read)


def note(transition: Any = None, report: Any = None, **_: Any) -> None:
    Seen.objects.create(position=(transition or report).position)


def overtaken(project: Project, follow: Callable[[Producer, str], int]) -> int:
    """Follow while another follower follows the same; return what came of it."""
    producer = Overtaken(project.harness.settings)
    producer.overtake_with(lambda: follow(project.producer, DEFAULT_DB_ALIAS))
    return follow(producer, DEFAULT_DB_ALIAS)


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
def test_a_follower_that_is_overtaken_sends_nothing_again(project: Project) -> None:
    campaign_id = project.harness.submitted(2)
    project.producer.record_reports([{"reference": f"{campaign_id}000001", "status": "delivered"}])
    with receiving(signals.transition, note), receiving(signals.delivery_report, note):
        followed = overtaken(project, follow_events), overtaken(project, follow_delivery_reports)

    positions = [event.position for event in project.producer.events()]
    positions += [report.position for report in project.producer.delivery_reports()]
    assert followed == (0, 0)
    assert [seen.position for seen in Seen.objects.all()] == positions
    assert {row.feed: row.position for row in FeedPosition.objects.all()} == {
        "events": project.producer.latest_event(),
        "delivery_reports": project.producer.latest_delivery_report(),
    }


def test_followers_at_once_follow_and_carry_over_everything_once(project: Project) -> None:
    project.harness.submitted(40)
    for number in range(40):
        Outgoing.objects.add_message("orders", order(number), **SHOP)
    with receiving(signals.transition, note):
        follow_at_once(3)

    seen = [seen.position for seen in Seen.objects.all()]
    assert seen == [event.position for event in project.producer.events()]
    assert set(Outgoing.objects.values_list("state", flat=True)) == {OutgoingState.CARRIED}
    assert Message.objects.count() == 40
    assert sum(campaign.messages for campaign in project.producer.campaigns() if campaign.name == "orders") == 40
