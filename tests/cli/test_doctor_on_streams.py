"""What doctor finds about streams, in the words of `explain`."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.diagnosis.streams import look_at_streams
from bsg_cli.diagnosis.waiting import look_at_waiting
from bsg_config.settings import Settings
from bsg_ledger.gate import GateReason
from bsg_ledger.work import Send
from tests.ledger.campaigns import LedgerHarness
from tests.ledger.test_streams import STREAM, accept

LONG_MS = 600_000


@dataclass
class Ward:
    """A ledger with streams, and the settings of the account that sends for them."""

    ledger_harness: LedgerHarness
    settings: Settings

    def findings(self) -> list[Finding]:
        return list(look_at_streams(self.ledger_harness.client, self.settings))

    def only(self) -> Finding:
        (finding,) = self.findings()
        return finding

    def send(self) -> Send:
        """Let a worker of the account take what waits, so that the campaign is its own."""
        return self.ledger_harness.sending(account=self.settings.account.id)

    def age(self, campaign: str, *, due: bool) -> None:
        """Let the campaign's first batch have been opened long ago, and be due since then or only now."""
        key, at = f"bsg:campaign:{campaign}:batch:0", self.ledger_harness.ledger.due_indexes.now_ms() - LONG_MS
        self.ledger_harness.client.hset(key, mapping={"collects_from": at} | ({"not_before": at} if due else {}))


@pytest.fixture
def ward(redis_url: str) -> Ward:
    return Ward(LedgerHarness.at(redis_url), Settings.build(redis_url=redis_url, bsg_api_key="live_test"))


def test_a_stream_whose_messages_leave_at_once_is_no_finding(ward: Ward) -> None:
    assert ward.findings() == []
    accept(ward.ledger_harness)
    assert ward.findings() == []


def test_a_paused_stream_is_noted_with_what_it_holds_and_what_resumes_it(ward: Ward) -> None:
    accept(ward.ledger_harness)
    ward.ledger_harness.ledger.streams.begin_paused(STREAM, True)
    ward.ledger_harness.ledger.campaigns.pause(accept(ward.ledger_harness).campaign_id)

    finding = ward.only()

    assert finding.level is Level.NOTE
    assert finding.message.startswith(f"stream {STREAM} waits for an operator: it is paused (2 messages to be sent, ")
    assert finding.remedy == f"`bsg-campaigns stream resume {STREAM}` lets them go on."


def test_a_paused_stream_in_which_nothing_waits_is_noted(ward: Ward) -> None:
    accept(ward.ledger_harness)
    ward.send()
    ward.ledger_harness.ledger.streams.begin_paused(STREAM, True)

    finding = ward.only()

    assert (finding.level, finding.message) == (Level.NOTE, f"stream {STREAM} is paused, and what it accepts is held")


def test_a_stream_that_no_worker_serves_is_a_problem(ward: Ward) -> None:
    ward.age(accept(ward.ledger_harness).campaign_id, due=True)

    finding = ward.only()

    assert finding.level is Level.PROBLEM
    assert finding.message.startswith(f"stream {STREAM} waits for a worker: none takes it (1 message to be sent, the ")
    assert "bsg-campaigns doctor" in finding.remedy


def test_streams_behind_a_shut_gate_are_one_warning_with_what_opens_it(ward: Ward) -> None:
    for name in ("orders", "codes"):
        accept(ward.ledger_harness, stream=name)
    ward.ledger_harness.ledger.gate(ward.settings.account.id).shut(reason=GateReason.OPERATOR, by="test")

    finding = ward.only()

    assert finding.level is Level.WARNING
    assert finding.message.startswith("2 streams wait for the gate: shut, operator (such as ")
    assert "gate open" in finding.remedy


def test_a_stream_that_waits_for_long_is_a_warning_whatever_it_waits_for(ward: Ward) -> None:
    ward.age(accept(ward.ledger_harness).campaign_id, due=False)

    finding = ward.only()

    assert finding.level is Level.WARNING
    assert f"stream {STREAM} waits for a worker to send it (1 message to be sent, the oldest since " in finding.message


def test_campaigns_of_streams_are_reported_as_streams_alone(ward: Ward) -> None:
    ward.ledger_harness.ledger.campaigns.pause(accept(ward.ledger_harness).campaign_id)

    assert list(look_at_waiting(ward.ledger_harness.client, ward.settings)) == []
    assert len(ward.findings()) == 1
