"""Which reason is named first, and the texts for campaigns that are not read batch by batch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.connection import AbstractConnection

from bsg_config.settings import Settings
from bsg_ledger.gate import GateState
from bsg_ledger.states import BatchState, NeedsOperator
from bsg_ledger.waiting import AccountFacts, CampaignFacts, Group, WaitReason
from bsg_ledger.waiting_reader import WaitingReader
from bsg_ledger.waiting_rules import foremost, waits
from tests.ledger.campaigns import ACCOUNT, LedgerHarness

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(minutes=59)
LONG_AGO = NOW - timedelta(hours=1)
JUST_OPENED = GateState(open=True, reason="", by="probe", since=NOW, balance=None)
SHUT = GateState(open=False, reason="bad_key", by="worker", since=EARLIER, balance=None)


def named(groups: list[Group], account: dict[str, Any], campaign: dict[str, Any]) -> WaitReason | None:
    found = waits(
        CampaignFacts(**{"campaign_id": "C", "account_name": "default", "deadline": LATER, **campaign}),
        AccountFacts(**{"name": "default", "busy": True, **account}),
        groups,
        NOW,
    )
    first = foremost(found)
    return None if first is None else first.reason


def of(state: str, **changes: Any) -> Group:
    return Group(**{"state": state, "messages": 5, "batches": 1, **changes})


@pytest.mark.parametrize(
    ("reason", "groups", "account", "campaign"),
    [
        (None, [of("finished"), of("rejected"), of("refused")], {}, {}),
        (WaitReason.LOST_AT_BSG, [of("finished"), of("submitted", needs_operator=NeedsOperator.LOST)], {}, {}),
        (
            WaitReason.OPERATOR_DECIDES,
            [of("pending"), of("unconfirmed", needs_operator=NeedsOperator.DOUBT)],
            {"gate": SHUT},
            {},
        ),
        (WaitReason.MAX_COST, [of("pending")], {"gate": SHUT}, {"paused": True, "paused_by_max_cost": "too much"}),
        (WaitReason.PAUSED, [of("pending"), of("submitted")], {"gate": SHUT}, {"paused": True}),
        (WaitReason.AT_BSG, [of("submitted")], {}, {"paused": True}),
        (WaitReason.NO_KEY, [of("unprepared")], {"key_missing": True}, {}),
        (WaitReason.UNREADABLE, [of("unprepared")], {}, {"unreadable": "no key opens it"}),
        (WaitReason.PAST_DEADLINE, [of("pending")], {}, {"deadline": EARLIER}),
        (WaitReason.GATE, [of("pending")], {"gate": SHUT}, {}),
        (WaitReason.GATE, [of("unprepared")], {"gate": SHUT}, {}),
        (WaitReason.PREPARE, [of("unprepared")], {}, {}),
        (WaitReason.NO_WORKER, [of("pending", due=EARLIER)], {"busy": False}, {}),
        (WaitReason.RATE_LIMIT, [of("pending", due=EARLIER)], {"busy": None}, {}),
        (WaitReason.RATE_LIMIT, [of("pending", due=EARLIER)], {"busy": False, "gate": JUST_OPENED}, {}),
        (WaitReason.COOL_DOWN, [of("pending")], {"cooling_until": LATER}, {}),
        (WaitReason.RATE_LIMIT, [of("pending")], {"cooling_until": EARLIER}, {}),
        (WaitReason.MAX_COST_PER_DAY, [of("pending")], {}, {"max_cost_until": LATER, "opening": LATER}),
        (WaitReason.RATE_LIMIT, [of("pending")], {}, {"max_cost_until": EARLIER}),
        (WaitReason.SENDING_HOURS, [of("pending", due=LATER, error="HTTP 500")], {}, {"opening": LATER}),
        (WaitReason.BACKOFF, [of("pending", due=LATER, error="HTTP 500")], {}, {}),
        (WaitReason.RATE_LIMIT, [of("pending", due=EARLIER, error="HTTP 500")], {}, {}),
        (WaitReason.ON_THE_WIRE, [of("pending"), of("posting")], {}, {}),
        (WaitReason.DOUBT, [of("submitted"), of("unconfirmed")], {}, {}),
        (WaitReason.SCHEDULED, [of("submitted")], {}, {"start_at": LATER}),
        (WaitReason.AT_BSG, [of("submitted")], {}, {"start_at": EARLIER}),
        (WaitReason.PAUSED_AT_BSG, [of("submitted", bsg_status="paused")], {}, {"start_at": LATER}),
        (WaitReason.STOPPING, [of("submitted", bsg_status="paused")], {}, {"cancelled": True}),
        (WaitReason.MODERATION, [of("submitted", bsg_status="moderation", bsg_status_at=LONG_AGO)], {}, {}),
        (WaitReason.AT_BSG, [of("submitted", bsg_status="moderation", bsg_status_at=EARLIER)], {}, {}),
        (None, [of("finished", bsg_status="spam")], {}, {}),
        (None, [of("finished", look=LATER)], {}, {}),
    ],
)
def test_the_most_urgent_reason_is_named(
    reason: WaitReason | None, groups: list[Group], account: dict[str, Any], campaign: dict[str, Any]
) -> None:
    assert named(groups, account, campaign) is reason


@pytest.mark.parametrize("state", ["unprepared", "rejected", *BatchState])
def test_every_state_has_a_reason(state: str) -> None:
    (one,) = waits(CampaignFacts("C", "default", LATER), AccountFacts("default"), [of(state)], NOW)

    assert one.messages == 5


def test_of_a_large_campaign_what_is_in_doubt_is_read_and_the_rest_counted(ledger_harness: LedgerHarness) -> None:
    large, small = ledger_harness.prepared(10, 20, 30, 40), ledger_harness.prepared(5)
    ledger_harness.submitted(large)
    doubtful = ledger_harness.unconfirmed(large)
    assert ledger_harness.absent(doubtful, window_ms=0) == "needs_operator"
    reader = WaitingReader(ledger_harness.client, Settings.build())

    found = reader.waits_of([large, small, "nobody-knows-it"], singly=2)

    assert [(one.reason, one.messages, one.batches, one.batch_ids) for one in found[large]] == [
        (WaitReason.OPERATOR_DECIDES, 20, 1, (doubtful.batch,)),
        (WaitReason.RATE_LIMIT, 70, 2, ()),
        (WaitReason.AT_BSG, 10, 1, ()),
    ]
    ledger_harness.client.zrem(f"bsg:account:{ACCOUNT}:doubt", doubtful.batch)
    assert reader.waits_of([large], singly=2)[large][0].reason is WaitReason.OPERATOR_DECIDES, "it has its own index"
    assert found[small][0].batch_ids == (f"{small}-0",)
    assert found.keys() == {large, small}


def test_what_many_campaigns_wait_for_takes_five_round_trips(
    ledger_harness: LedgerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaigns = [ledger_harness.prepared(1, 1) for _ in range(25)]
    ledger_harness.unconfirmed(campaigns[0])
    sent = []
    send: Any = AbstractConnection.send_packed_command

    def counted(connection: AbstractConnection, *arguments: Any, **options: Any) -> None:
        sent.append(connection)
        send(connection, *arguments, **options)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)

    assert len(WaitingReader(ledger_harness.client, Settings.build()).waits_of(campaigns)) == 25

    assert len(sent) == 5, "the time, the campaigns, their accounts, their batches, the next looks"
