"""What is said of a campaign in each state that its batches can be in, from a real ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bsg_cli.commands.explain import _lines, _standing
from bsg_cli.explaining import Explanation, explain
from bsg_config import clock
from bsg_config.settings import Settings
from bsg_ledger.gate import GateReason
from bsg_ledger.states import BatchState
from bsg_producer import Producer
from bsg_worker.limiter import Limiter
from tests.ledger.campaigns import HOUR_MS, Desk


class Explained:
    """A ledger, and what is said of its campaigns with the settings of the account that has them."""

    def __init__(self, redis_url: str) -> None:
        self.settings = Settings.build(redis_url=redis_url, bsg_api_key="live_test")
        self.account = self.settings.account
        self.desk = Desk.at(redis_url)

    def explanations(self, campaign: str, **changes: object) -> list[Explanation]:
        settings = Settings.build(**{"redis_url": self.settings.redis_url, "bsg_api_key": "live_test", **changes})
        return explain(_standing(settings, Producer(settings).status(campaign)))

    def only(self, campaign: str, **changes: object) -> Explanation:
        (one,) = self.explanations(campaign, **changes)
        return one

    def posting(self, campaign: str) -> None:
        lease = self.desk.claimed(campaign, account=self.account)
        assert self.desk.intend(lease, account=self.account) == "posting"


@pytest.fixture
def explained(redis_url: str) -> Explained:
    return Explained(redis_url)


def test_what_is_in_no_batch_waits_for_a_worker(explained: Explained) -> None:
    campaign = explained.desk.accepted(30)

    one = explained.only(campaign)

    assert (one.batches, one.messages) == ((), 30)
    assert "not checked yet" in one.stands
    assert "A worker checks them" in one.next


def test_batches_of_which_the_same_is_to_be_said_are_told_together(explained: Explained) -> None:
    campaign = explained.desk.prepared(10, 20, rejects=2)

    rejects, batches = explained.explanations(campaign)

    assert "bsg-campaigns rejects" in rejects.next
    assert rejects.messages == 2
    assert batches.batches == (f"{campaign}-0", f"{campaign}-1")
    assert batches.messages == 30
    assert "rate limit (5/s)" in batches.stands


def test_a_pause_names_what_ends_it(explained: Explained) -> None:
    campaign = explained.desk.prepared(10)
    explained.desk.ledger.campaigns.pause(campaign, paused=True)

    assert f"bsg-campaigns resume {campaign}" in explained.only(campaign).next


@pytest.mark.parametrize("reason", GateReason)
def test_each_reason_of_a_shut_gate_is_told_with_what_opens_it(explained: Explained, reason: GateReason) -> None:
    campaign = explained.desk.prepared(10)
    explained.desk.ledger.gate(explained.account).shut(reason=reason, by="test")

    one = explained.only(campaign)

    assert "shut because " in one.stands
    assert not one.stands.endswith(f"because {reason}"), "the ledger's word instead of a sentence"
    assert "gate" in one.next


def test_a_cool_down_is_told_with_its_end(explained: Explained) -> None:
    campaign = explained.desk.prepared(10)
    settings = explained.settings
    Limiter(explained.desk.client, explained.account, "submit", settings.bsg_rate_limit).cool_down(120)

    one = explained.only(campaign)

    assert "cool-down" in one.stands
    assert one.at is not None
    assert timedelta(seconds=100) < one.at - clock.now() < timedelta(seconds=121)


def test_a_batch_that_is_tried_again_later_says_when_and_why(explained: Explained) -> None:
    campaign = explained.desk.prepared(10)
    lease = explained.desk.claimed(campaign, account=explained.account)
    explained.desk.intend(lease, account=explained.account)
    explained.desk.ledger.batches.not_taken(lease, delay_ms=HOUR_MS // 2, cause="connect timeout")

    one = explained.only(campaign)

    assert "connect timeout" in one.stands
    assert one.at is not None
    assert timedelta(minutes=25) < one.at - clock.now() < timedelta(minutes=31)


def test_a_batch_in_the_hands_of_a_worker_says_until_when(explained: Explained) -> None:
    campaign = explained.desk.prepared(10, 20)
    explained.desk.claimed(campaign, account=explained.account)

    claimed, pending = explained.explanations(campaign)

    assert (claimed.messages, pending.messages) == (10, 20)
    assert "in the hands of a worker" in claimed.stands
    assert claimed.at is not None
    assert claimed.at > clock.now()


def test_a_batch_on_the_wire_is_never_said_to_be_sent_again(explained: Explained) -> None:
    campaign = explained.desk.prepared(10)
    explained.posting(campaign)

    one = explained.only(campaign)

    assert one.stands == "on their way to BSG"
    assert "BSG is asked whether it has them" in one.next


def test_a_batch_in_doubt_is_looked_up_until_a_person_is_asked_who_comes_first(explained: Explained) -> None:
    campaign = explained.desk.prepared(10, 20)
    lease = explained.desk.claimed(campaign, account=explained.account)
    explained.desk.intend(lease, account=explained.account)
    explained.desk.ledger.batches.doubtful(
        lease, account=explained.account, cause="read timeout", doubts_allowed=5, suspects=None
    )

    doubt = explained.explanations(campaign)[0]
    assert "in doubt (read timeout)" in doubt.stands
    assert doubt.at is not None
    assert not doubt.needs_person

    explained.desk.ledger.batches.ask(campaign, lease.batch, attempts=1, older_than_ms=0, cause="does not fit")
    asks = explained.explanations(campaign)[0]
    assert asks.needs_person
    assert f"bsg-campaigns resolve {campaign}-0 --sent" in asks.next
    assert f"bsg-campaigns resolve {campaign}-0 --not-sent" in asks.next


def test_another_accounts_campaign_waits_for_that_accounts_workers(explained: Explained) -> None:
    campaign = explained.desk.prepared(10, 20)
    explained.desk.claimed(campaign, account=explained.account)

    pending = explained.explanations(campaign, bsg_api_key="live_other")[1]

    assert "the account default, under a key or an address that is not set here" in pending.stands


def test_without_a_key_a_campaign_of_no_account_yet_is_explained_all_the_same(explained: Explained) -> None:
    campaign = explained.desk.prepared(10)

    assert "in line" in explained.only(campaign, bsg_api_key=None).stands


def test_every_state_of_a_batch_has_its_sentence() -> None:
    from bsg_cli import explaining

    assert set(explaining._STATES) == set(BatchState)


def test_an_explanation_names_four_batches_and_counts_the_rest() -> None:
    one = Explanation(tuple(f"C-{number}" for number in range(9)), 9000, "at BSG", "It is asked.")

    assert _lines(one) == ["9 000 messages in C-0, C-1, C-2, C-3 and 5 more: at BSG.", "  It is asked."]


def test_a_campaign_is_explained_by_the_account_that_it_is_for(explained: Explained) -> None:
    settings = Settings.from_environment(
        {
            "REDIS_URL": explained.settings.redis_url or "",
            "BSG_API_KEY": "live_test",
            "BSG_API_KEY__MARKETING": "live_2",
        }
    )
    explained.desk.ledger.gate(settings.of_account("marketing").account).shut(reason=GateReason.OPERATOR, by="test")

    def stands(account_name: str, known: Settings = settings) -> str:
        campaign = explained.desk.prepared(10, account_name=account_name)
        (one,) = explain(_standing(known, Producer(known).status(campaign)))
        return one.stands

    assert "gate, which is shut" in stands("marketing")
    assert stands("default").startswith("ready")
    assert "the account marketing, under a key or an address that is not set here" in stands(
        "marketing", explained.settings
    )
