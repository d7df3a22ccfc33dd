"""The models show what the ledger has; what was read and the position behind it are one."""

from __future__ import annotations

import os
import signal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test.utils import override_settings

from bsg_campaigns_django import signals
from bsg_campaigns_django.follower import follow
from bsg_campaigns_django.management.commands import bsg_follow
from bsg_campaigns_django.models import Campaign, FeedPosition, Message, Outgoing, OutgoingState
from tests.campaigns_django.harness import SHOP, Project, order, receiving
from tests.campaigns_django.shop.models import Seen
from tests.servers import RedisServer


def note(transition: Any, **_: Any) -> None:
    Seen.objects.create(
        position=transition.position,
        campaign_id=transition.campaign_id,
        what=f"{transition.batch}:{transition.to_state}",
    )


def test_a_campaign_is_shown_as_it_goes_on(project: Project) -> None:
    campaign_id = project.harness.enqueued(3, name="news")
    project.follow()
    accepted = Campaign.objects.get()
    project.producer.pause(campaign_id)
    project.follow()
    paused = Campaign.objects.get()
    project.producer.resume(campaign_id)
    project.harness.prepare(campaign_id)
    project.work()
    project.follow()
    done = Campaign.objects.get()

    assert (accepted.campaign_id, accepted.name, accepted.state, accepted.messages) == (
        campaign_id,
        "news",
        "accepted",
        3,
    )
    assert paused.paused
    assert (done.state, done.paused, done.counts["finished"]) == ("done", False, 3)


def test_each_transition_is_sent_once_with_what_its_receivers_write(project: Project) -> None:
    with receiving(signals.transition, note):
        campaign_id = project.harness.submitted(2)
        project.follow()
        project.follow()

    expected = [event.position for event in project.producer.events()]
    assert list(Seen.objects.values_list("position", flat=True)) == expected
    assert Seen.objects.filter(campaign_id=campaign_id).count() == len(expected)
    assert FeedPosition.objects.get(feed="events").position == expected[-1]


def test_a_receiver_that_raises_loses_only_what_it_wrote_and_is_sent_the_same_again(project: Project) -> None:
    project.harness.submitted(1)
    events = list(project.producer.events())
    third = events[2].position
    broken = True

    def receive(transition: Any, **_: Any) -> None:
        note(transition)
        if broken and transition.position == third:
            raise ZeroDivisionError

    with receiving(signals.transition, receive):
        with pytest.raises(CommandError, match="a receiver raised ZeroDivisionError"):
            project.follow()
        before = [seen.position for seen in Seen.objects.all()]
        broken = False
        project.follow()

    assert before == [event.position for event in events[:2]]
    assert [seen.position for seen in Seen.objects.all()] == [event.position for event in events]


def test_a_receiver_that_always_raises_keeps_no_outgoing_message_from_being_carried_over(project: Project) -> None:
    project.harness.submitted(1)
    Outgoing.objects.add_message("orders", order(1), **SHOP)

    def receive(**_: Any) -> None:
        raise ZeroDivisionError

    with receiving(signals.transition, receive), pytest.raises(CommandError, match="a receiver raised"):
        project.follow()

    assert Outgoing.objects.get().state == OutgoingState.CARRIED


def test_a_follower_that_comes_too_late_reads_the_campaigns_anew_and_says_so(project: Project) -> None:
    gaps: list[str] = []
    project.harness.submitted(1)
    project.follow()
    row = Outgoing.objects.add_message("orders", order(1), **SHOP)
    project.follow()
    project.work()
    FeedPosition.objects.filter(feed="events").update(position="1-1.1")

    with receiving(signals.feed_gap, lambda feed, **_: gaps.append(feed)):
        project.follow()

    row.refresh_from_db()
    assert gaps == ["events"]
    assert {campaign.campaign_id: campaign.state for campaign in Campaign.objects.all()} == {
        summary.campaign_id: summary.state.value for summary in project.producer.campaigns()
    }
    assert Message.objects.get(pk=row.message_id).state == "finished"
    assert FeedPosition.objects.get(feed="events").position == project.producer.latest_event()


def test_a_message_that_bsg_refuses_is_shown_as_rejected_and_the_others_as_sent(project: Project) -> None:
    rows = [Outgoing.objects.add_message("orders", order(number), **SHOP) for number in range(3)]
    project.follow()
    project.producer.suppress([order(1)["phone"]])
    project.work()
    project.follow()

    ids = [Outgoing.objects.get(pk=row.pk).message_id for row in rows]
    assert [Message.objects.get(pk=one).state for one in ids] == ["finished", "rejected", "finished"]
    assert Message.objects.get(pk=ids[1]).reject_code == "suppressed"


def test_a_delivery_report_is_written_into_its_message(project: Project) -> None:
    row = Outgoing.objects.add_message("orders", order(1), **SHOP)
    project.follow()
    row.refresh_from_db()
    seen: list[str] = []
    project.producer.record_reports(
        [{"reference": row.message_id, "status": "DELIVERED", "price": "0.01", "currency": "EUR"}]
    )

    with receiving(signals.delivery_report, lambda report, **_: seen.append(report.message_id)):
        project.follow()
        project.follow()

    message = Message.objects.get()
    assert (message.report, message.price, message.currency) == ("delivered", "0.01", "EUR")
    assert seen == [row.message_id]


def test_a_report_of_a_message_that_was_sent_without_a_row_makes_one(project: Project) -> None:
    campaign_id = project.harness.submitted(2)
    project.producer.record_reports([{"reference": f"{campaign_id}000001", "status": "delivered"}])

    project.follow()

    message = Message.objects.get()
    assert (message.campaign_id, message.index, message.state, message.report) == (campaign_id, 1, "", "delivered")


def test_a_follower_without_the_address_of_redis_ends_with_the_remedy(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)

    with override_settings(BSG_CAMPAIGNS={}), pytest.raises(CommandError, match="REDIS_URL: Not set"):
        call_command("bsg_follow")


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
def test_a_follower_reports_once_that_redis_is_away_and_that_it_works_again(
    own_redis_server: RedisServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []

    def counted(*arguments: Any) -> int:
        passes.append(arguments)
        if len(passes) == 4:
            own_redis_server.start()
        return follow(*arguments)

    class Reported(StringIO):
        def write(self, line: str) -> int:
            if "works again" in line:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().write(line)

    reported = Reported()
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(bsg_follow, "follow", counted)
    own_redis_server.stop()
    try:
        with override_settings(BSG_CAMPAIGNS={"REDIS_URL": own_redis_server.url, "QUEUE_TIMEOUT": "0.2"}):
            call_command("bsg_follow", interval=0.01, stderr=reported)
    finally:
        signal.signal(signal.SIGTERM, handler)

    away, *again = reported.getvalue().splitlines()
    assert away.startswith("QueueUnavailable: ")
    assert again == ["The follower works again."]
