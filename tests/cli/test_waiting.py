"""Commands show what a campaign waits for, and what lets it go on."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_cli.printing import format_time
from bsg_config import clock
from bsg_config.settings import Settings
from bsg_config.settings_table import SETTINGS
from bsg_ledger.batch_id import BatchId
from bsg_producer import Producer
from tests.ledger.campaigns import LedgerHarness


class Line:
    """Runs commands in this process, on a ledger of which the tests bring the campaigns."""

    def __init__(self, redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.settings = Settings.build(redis_url=redis_url, bsg_api_key="live_test")
        self.producer = Producer(self.settings)
        self.ledger_harness = LedgerHarness.at(redis_url)
        self._capsys = capsys

    def run(self, *words: str) -> tuple[int, str]:
        code = main(words)
        captured = self._capsys.readouterr()
        return code, captured.out + captured.err


@pytest.fixture
def line(redis_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Line:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("BSG_API_KEY", "live_test")
    return Line(redis_url, capsys)


@pytest.fixture
def capped(line: Line) -> str:
    """A campaign of two batches; the first cost what the campaign may, and max_cost has paused it."""
    campaign = line.ledger_harness.prepared(10, 10, max_cost="1.5")
    account = line.settings.account.id
    line.ledger_harness.posting(campaign, account=account)
    line.ledger_harness.ledger.batches.taken(
        BatchId.of(campaign, 0), account=account, bsg_campaign_id=7, bsg_status="new", next_poll_ms=0, cause="taken",
        price="1.00", currency="UAH",
    )  # fmt: skip
    line.ledger_harness.next(account=account)
    assert line.producer.status(campaign).paused
    return campaign


def test_a_resume_that_max_cost_would_undo_at_once_is_refused_and_names_the_option(line: Line, capped: str) -> None:
    code, output = line.run("resume", capped)

    assert code == ExitCode.MISUSE
    assert "--max-cost: The campaign would be paused again at once" in output
    assert "Give 2.00 or more" in output
    assert line.producer.status(capped).paused


@pytest.mark.parametrize("amount", ["2", "none"])
def test_a_resume_with_a_cap_that_suffices_lets_the_campaign_go_on(line: Line, capped: str, amount: str) -> None:
    code, output = line.run("resume", capped, "--max-cost", amount)

    assert (code, output) == (ExitCode.OK, "Resumed: 10 messages to be sent.\n")
    assert not line.producer.status(capped).paused


def test_what_lets_a_capped_campaign_go_on_is_explained(line: Line, capped: str) -> None:
    _, output = line.run("explain", capped)

    assert "the next batch would pass max_cost 1.5" in output
    assert f"`bsg-campaigns resume {capped} --max-cost AMOUNT`" in output


def test_the_list_says_what_each_campaign_waits_for(line: Line, capped: str) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    campaign_options = json.dumps({"start_at": tomorrow.isoformat(), "send_between": None})
    scheduled = line.ledger_harness.prepared(10, options=campaign_options)
    line.ledger_harness.posting(scheduled, account=line.settings.account.id)
    line.ledger_harness.ledger.batches.taken(
        BatchId.of(scheduled, 0),
        account=line.settings.account.id,
        bsg_campaign_id=8,
        bsg_status="new",
        next_poll_ms=0,
        cause="taken",
    )
    paused = line.ledger_harness.prepared(10)
    line.producer.pause(paused)
    done = line.ledger_harness.prepared(rejects=1)

    _, output = line.run("list")
    rows = {row.split()[0]: row for row in output.splitlines()}
    _, as_json = line.run("list", "--json")
    waits = {one["campaign_id"]: one["waits_for"] for one in map(json.loads, as_json.splitlines())}

    assert "an operator: the next batch would pass max_cost 1.5" in rows[capped]
    assert f"its start_at: BSG has it, and sends it then, until {format_time(tomorrow)}" in rows[scheduled]
    assert "an operator: it is paused" in rows[paused]
    assert (waits[capped]["reason"], waits[scheduled]["reason"]) == ("max_cost", "scheduled")
    assert waits[done] is None
