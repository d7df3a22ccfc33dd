"""A follower that is killed before any of its effects loses nothing, and does nothing twice."""

from __future__ import annotations

from typing import Any

from bsg_campaigns_django import signals
from bsg_campaigns_django.models import Campaign, FeedPosition, Message, Outgoing, OutgoingState
from tests.campaigns_django.dying import follow_and_die
from tests.campaigns_django.harness import SHOP, Project, order, receiving
from tests.campaigns_django.shop.models import Seen

MAX_EFFECTS = 400


def note(what: str, position: str) -> None:
    Seen.objects.create(what=what, position=position)


def note_transition(transition: Any, **_: Any) -> None:
    note("transition", transition.position)


def note_report(report: Any, **_: Any) -> None:
    note("report", report.position)


def die_everywhere() -> int:
    """Kill the follower before its first effect, the next one before its second and so on; return how many died."""
    for nth in range(1, MAX_EFFECTS):
        if not follow_and_die(nth):
            return nth - 1
    raise AssertionError("the follower does not end")


def test_a_follower_that_is_killed_before_each_of_its_effects_neither_loses_nor_doubles(project: Project) -> None:
    rows = [Outgoing.objects.add_message("orders", order(number), **SHOP).pk for number in range(3)]
    rows.append(Outgoing.objects.add_campaign([order(10), order(11)], **SHOP, name="news").pk)
    with receiving(signals.transition, note_transition), receiving(signals.delivery_report, note_report):
        died = die_everywhere()
        project.work()
        project.work()
        references = [message.message_id for message in Message.objects.all()]
        project.producer.record_reports([{"reference": one, "status": "delivered"} for one in references])
        died_later = die_everywhere()

    assert died > 10
    assert died_later > 5
    assert set(Outgoing.objects.values_list("state", flat=True)) == {OutgoingState.CARRIED}
    assert len(project.arrived()) == 5
    assert set(project.arrived().values()) == {1}
    events = [event.position for event in project.producer.events()]
    reports = [report.position for report in project.producer.delivery_reports()]
    assert [seen.position for seen in Seen.objects.filter(what="transition")] == events
    assert [seen.position for seen in Seen.objects.filter(what="report")] == reports
    assert {row.campaign_id: row.state for row in Campaign.objects.all()} == {
        summary.campaign_id: summary.state.value for summary in project.producer.campaigns()
    }
    assert {(row.state, row.report) for row in Message.objects.all()} == {("finished", "delivered")}
    assert FeedPosition.objects.get(feed="events").position == project.producer.latest_event()
