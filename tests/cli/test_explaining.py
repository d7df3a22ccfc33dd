"""The texts for a campaign in each state of its batches, from a real ledger."""

from __future__ import annotations

import json
from datetime import UTC, timedelta

import pytest

from bsg_cli.commands.explain import Explanation, _lines, explain
from bsg_config import clock
from bsg_config.settings import Settings
from bsg_ledger.batch_id import BatchId
from bsg_ledger.gate import GateReason
from bsg_ledger.limiter import Limiter
from bsg_ledger.waiting import WaitReason
from bsg_ledger.waiting_texts import TEXTS
from bsg_ledger.work import Nothing, Send, Wait
from tests.ledger.campaigns import HOUR_MS, LedgerHarness


class Explained:
    """A ledger, and the texts for its campaigns with the settings of the account that has them."""

    def __init__(self, redis_url: str) -> None:
        self.settings = Settings.build(redis_url=redis_url, bsg_api_key="live_test")
        self.account = self.settings.account.id
        self.ledger_harness = LedgerHarness.at(redis_url)

    def explanations(self, campaign: str, **changes: object) -> list[Explanation]:
        settings = Settings.build(**{"redis_url": self.settings.redis_url, "bsg_api_key": "live_test", **changes})
        return explain(settings, campaign)

    def only(self, campaign: str, **changes: object) -> Explanation:
        (one,) = self.explanations(campaign, **changes)
        return one

    def posting(self, campaign: str) -> Send:
        return self.ledger_harness.posting(campaign, account=self.account)

    def submitted(self, campaign: str, *, price: str = "", others: tuple[int, ...] = ()) -> None:
        self.posting(campaign)
        state = self.ledger_harness.ledger.batches.taken(
            BatchId.of(campaign, 0), account=self.account, bsg_campaign_id=7, bsg_status="new", next_poll_ms=0,
            cause="taken", price=price, currency="UAH" if price else "", others=others,
        )  # fmt: skip
        assert state == "submitted"

    def age_due(self, campaign: str) -> None:
        self.ledger_harness.client.hset(f"bsg:campaign:{campaign}:batch:0", "not_before", 1)


@pytest.fixture
def explained(redis_url: str) -> Explained:
    return Explained(redis_url)


def test_what_is_in_no_batch_waits_for_a_worker(explained: Explained) -> None:
    campaign = explained.ledger_harness.accepted(30)

    one = explained.only(campaign)

    assert (one.batches, one.messages) == ((), 30)
    assert "not checked yet" in one.description
    assert "A worker checks them" in one.next


def test_batches_of_which_the_same_text_are_shown_together(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10, 20, rejects=2)

    batches, rejects = explained.explanations(campaign)

    assert "bsg-campaigns rejects" in rejects.next
    assert rejects.messages == 2
    assert batches.batches == (f"{campaign}-0", f"{campaign}-1")
    assert batches.messages == 30
    assert "rate limit (5/s)" in batches.description


def test_a_pause_names_what_ends_it(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)
    explained.ledger_harness.ledger.campaigns.pause(campaign)

    assert f"bsg-campaigns resume {campaign}" in explained.only(campaign).next


def test_a_gate_shut_by_doubts_names_its_next_try_and_a_half_open_one_what_goes_through(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)
    gate = explained.ledger_harness.ledger.gate(explained.account)
    gate.shut(reason=GateReason.DOUBTS, by="test")
    shut = explained.only(campaign)
    next_probe = gate.state().next_probe
    gate.reopen(by="probe")
    half_open = explained.only(campaign)

    assert shut.at == next_probe is not None
    assert "opens half" in shut.next
    assert "one batch at a time goes through" in half_open.description
    assert "opens the gate completely" in half_open.next


@pytest.mark.parametrize("reason", GateReason)
def test_each_reason_of_a_shut_gate_is_reported_with_what_opens_it(explained: Explained, reason: GateReason) -> None:
    campaign = explained.ledger_harness.prepared(10)
    explained.ledger_harness.ledger.gate(explained.account).shut(reason=reason, by="test")

    one = explained.only(campaign)

    assert "shut because " in one.description
    assert not one.description.endswith(f"because {reason}"), "the ledger's word instead of a sentence"
    assert "gate" in one.next


def test_a_cool_down_is_reported_with_its_end(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)
    settings = explained.settings
    Limiter(explained.ledger_harness.client, explained.account, "submit", settings.account.bsg_rate_limit).cool_down(
        120
    )

    one = explained.only(campaign)

    assert "cool-down" in one.description
    assert one.at is not None
    assert timedelta(seconds=100) < one.at - clock.now() < timedelta(seconds=121)


def test_a_batch_that_is_tried_again_later_says_when_and_why(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)
    lease = explained.posting(campaign)
    explained.ledger_harness.ledger.batches.not_taken(lease, delay_ms=HOUR_MS // 2, cause="connect timeout")

    one = explained.only(campaign)

    assert "connect timeout" in one.description
    assert one.at is not None
    assert timedelta(minutes=25) < one.at - clock.now() < timedelta(minutes=31)


def test_a_batch_on_the_wire_is_never_reported_as_sent_again(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)
    explained.posting(campaign)

    one = explained.only(campaign)

    assert one.description == "on their way to BSG"
    assert "BSG is asked whether it has them" in one.next


def test_a_batch_in_doubt_is_looked_up_until_an_operator_is_asked_who_comes_first(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10, 20)
    lease = explained.posting(campaign)
    explained.ledger_harness.ledger.batches.doubtful(
        lease, account=explained.account, cause="read timeout", doubts_allowed=5, suspects=None
    )

    ready, doubt = explained.explanations(campaign)
    assert ready.messages == 20
    assert "in doubt (read timeout)" in doubt.description
    assert doubt.at is not None
    assert not doubt.needs_operator

    explained.ledger_harness.ledger.batches.ask_operator(lease.batch, attempts=1, older_than_ms=0, cause="does not fit")
    undecided = explained.explanations(campaign)[0]
    assert undecided.needs_operator
    assert f"bsg-campaigns resolve {campaign}-0 --sent" in undecided.next
    assert f"bsg-campaigns resolve {campaign}-0 --not-sent" in undecided.next


def test_another_accounts_campaign_waits_for_that_accounts_workers(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10, 20)
    explained.posting(campaign)
    explained.ledger_harness.ledger.keys.note(explained.account, name="default", address="", bsg_account="")

    pending = explained.explanations(campaign, bsg_api_key="live_other")[0]

    assert "the account default, under a key or an address that is not set here" in pending.description


def test_without_a_key_a_campaign_of_no_account_yet_is_explained_all_the_same(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)

    assert "in line" in explained.only(campaign, bsg_api_key=None).description


def test_every_reason_to_wait_has_its_text() -> None:
    assert set(TEXTS) == set(WaitReason)


def test_an_explanation_names_four_batches_and_counts_the_rest() -> None:
    one = Explanation(
        WaitReason.AT_BSG, tuple(f"C-{number}" for number in range(9)), 9000, "at BSG", "It is asked.", None, False
    )

    assert _lines(one) == ["9 000 messages in C-0, C-1, C-2, C-3 and 5 more: at BSG.", "  It is asked."]


def test_a_campaign_is_explained_by_the_account_that_it_is_for(explained: Explained) -> None:
    settings = Settings.from_environment(
        {
            "REDIS_URL": explained.settings.redis_url or "",
            "BSG_API_KEY": "live_test",
            "BSG_API_KEY__MARKETING": "live_2",
        }
    )
    explained.ledger_harness.ledger.gate(settings.of_account("marketing").id).shut(
        reason=GateReason.OPERATOR, by="test"
    )

    def description(account_name: str, known: Settings = settings) -> str:
        campaign = explained.ledger_harness.prepared(10, account_name=account_name)
        (one,) = explain(known, campaign)
        return one.description

    assert "gate, which is shut" in description("marketing")
    assert description("default").startswith("ready")
    assert "the account marketing, under a key or an address that is not set here" in description(
        "marketing", explained.settings
    )


def options(**given: str) -> str:
    return json.dumps({"start_at": None, "send_between": None, **given})


def in_hours(first: timedelta, last: timedelta) -> str:
    """Sending hours from `first` to `last` from now."""
    now = clock.now().astimezone(UTC)
    return f"{now + first:%H:%M}-{now + last:%H:%M} UTC"


def test_outside_of_its_hours_a_campaign_waits_for_them_and_not_for_another_try(explained: Explained) -> None:
    closed = in_hours(timedelta(hours=3), timedelta(hours=5))
    campaign = explained.ledger_harness.prepared(10, options=options(send_between=closed))

    one = explained.only(campaign)

    assert one.reason is WaitReason.SENDING_HOURS
    assert "send_between" in one.description
    assert one.at is not None
    assert timedelta(hours=2, minutes=58) < one.at - clock.now() <= timedelta(hours=3)


def test_within_its_hours_a_campaign_waits_for_the_rate_limit(explained: Explained) -> None:
    opened = in_hours(timedelta(hours=-3), timedelta(hours=5))

    assert explained.only(
        explained.ledger_harness.prepared(10, options=options(send_between=opened))
    ).description.startswith("ready")


def test_what_bsg_sends_tomorrow_is_scheduled_there_until_then(explained: Explained) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    campaign = explained.ledger_harness.prepared(10, options=options(start_at=tomorrow.isoformat()))
    explained.submitted(campaign)

    one = explained.only(campaign)

    assert one.reason is WaitReason.SCHEDULED
    assert "start_at" in one.description
    assert one.at == tomorrow


def test_once_its_start_has_passed_a_campaign_is_at_bsg(explained: Explained) -> None:
    started = (clock.now() - timedelta(seconds=1)).isoformat()
    campaign = explained.ledger_harness.prepared(10, options=options(start_at=started))
    explained.submitted(campaign)

    assert explained.only(campaign).reason is WaitReason.AT_BSG


def test_what_max_cost_has_paused_says_so_with_the_option_that_lets_it_go_on(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10, 10, max_cost="1.5")
    explained.submitted(campaign, price="1.0")
    assert isinstance(explained.ledger_harness.next(account=explained.account), Nothing)

    one = explained.explanations(campaign)[0]

    assert one.reason is WaitReason.MAX_COST
    assert "the next batch would pass max_cost 1.5" in one.description
    assert f"bsg-campaigns resume {campaign} --max-cost" in one.next


def test_a_capped_campaign_whose_first_batch_has_no_price_yet_waits_for_it(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10, 10, max_cost="1.5")
    explained.submitted(campaign)
    assert isinstance(explained.ledger_harness.next(account=explained.account), Wait)

    price, _ = explained.explanations(campaign)

    assert (price.reason, price.messages) == (WaitReason.PRICE, 10)


def test_what_the_workers_cannot_read_waits_for_the_key(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)
    explained.ledger_harness.dispatcher(account=explained.account).withdraw(
        explained.posting(campaign), delay_ms=60_000, cause="no key opens it", unreadable=True
    )

    assert "no key opens it" in explained.only(campaign).description

    explained.ledger_harness.client.hincrby(f"bsg:campaign:{campaign}", "unreadable_at", -HOUR_MS)
    assert explained.only(campaign).reason is WaitReason.BACKOFF, "an hour ago says nothing of now"


def test_what_is_due_for_long_while_nothing_of_the_account_is_sent_waits_for_a_worker(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)
    explained.age_due(campaign)

    one = explained.only(campaign)
    assert one.reason is WaitReason.NO_WORKER
    assert "doctor" in one.next

    other = explained.ledger_harness.prepared(10)
    explained.posting(other)
    assert explained.only(campaign).reason is WaitReason.RATE_LIMIT, "workers send others of the account"


def test_a_chunk_that_nobody_takes_up_waits_for_a_worker(explained: Explained) -> None:
    campaign = explained.ledger_harness.accepted(10)
    explained.ledger_harness.client.zadd(f"bsg:campaign:{campaign}:chunks", {"0": 1})

    assert explained.only(campaign).reason is WaitReason.NO_WORKER


def test_a_time_in_the_options_that_cannot_be_read_hides_nothing(explained: Explained) -> None:
    for broken in ("no JSON", "[]", options(start_at="tomorrow", send_between="day")):
        assert explained.only(explained.ledger_harness.prepared(10, options=broken)).reason is WaitReason.RATE_LIMIT


def test_a_batch_that_bsg_had_twice_says_so(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)
    explained.submitted(campaign, others=(8, 9))

    assert "BSG has or had it as 8, 9 too" in explained.only(campaign).description


def test_a_campaign_that_bsg_has_lost_needs_an_operator(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10, 10)
    explained.submitted(campaign)
    explained.ledger_harness.unread(campaign, 7, lost=True)

    one = explained.explanations(campaign)[0]

    assert one.needs_operator
    assert f"resolve {campaign}-0 --sent 7" in one.next


def test_a_campaign_of_which_bsg_reports_nothing_needs_an_operator_who_cannot_have_it_sent_again(
    explained: Explained,
) -> None:
    campaign = explained.ledger_harness.prepared(10)
    explained.submitted(campaign)
    explained.ledger_harness.unread(campaign, 7, lost=False)

    one = explained.only(campaign)

    assert one.needs_operator
    assert "has reported nothing of use for long: HTTP 500" in one.description
    assert f"resolve {campaign}-0 --sent 7" in one.next
    assert "--not-sent" not in one.next


def test_a_cancelled_campaign_that_bsg_does_not_know_is_to_be_stopped_in_its_account(explained: Explained) -> None:
    campaign = explained.ledger_harness.prepared(10)
    explained.submitted(campaign)
    explained.ledger_harness.ledger.campaigns.cancel(campaign)
    explained.ledger_harness.ledger.batches.stop_denied(explained.account, 7, older_than_ms=0, delay_ms=0, cause="404")

    one = explained.only(campaign)

    assert one.needs_operator
    assert "BSG does not stop" in one.description
    assert f"cancel {campaign}" in one.next
