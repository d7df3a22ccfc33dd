"""`account rekey`, and what the other commands say of a key that nobody has any more."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.diagnosis.waiting import look_at_waiting
from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_config.settings_table import SETTINGS
from bsg_ledger.keys import IN_USE_MS
from bsg_sandbox.server import Sandbox
from bsg_worker.recovery.rekey import note_key
from tests.worker.harness import WorkerHarness

MISTYPED = "live_mistyped"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


class Mended:
    """A ledger in which a campaign waits for a mistyped key; the commands have the mended one."""

    def __init__(self, redis_url: str, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
        self.mistyped = WorkerHarness(redis_url, sandbox, BSG_API_KEY=MISTYPED)
        self.mended = WorkerHarness(redis_url, sandbox)
        self.campaign = self.mistyped.prepared(3)
        dispatcher = self.mistyped.runtime.dispatcher
        dispatcher.withdraw(self.mistyped.posting(self.campaign), delay_ms=0, cause="test")
        self._capsys = capsys
        self.output = self.errors = ""

    def run(self, *words: str) -> int:
        code = main(words)
        self.output, self.errors = self._capsys.readouterr()
        return code

    def doctor(self) -> list[Finding]:
        return list(look_at_waiting(self.mended.runtime.redis, self.mended.settings))


@pytest.fixture
def ledger(
    redis_url: str, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Mended:
    ledger = Mended(redis_url, sandbox, capsys)
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    for name, value in ledger.mended.environment.items():
        monkeypatch.setenv(name, value)
    return ledger


def test_doctor_says_what_waits_for_a_key_that_nobody_has_and_how_it_goes_on(ledger: Mended) -> None:
    (finding,) = ledger.doctor()

    assert finding.level is Level.PROBLEM
    assert finding.message.startswith("1 campaign waits for a key that no process has any more: account default")
    assert "`bsg-campaigns account rekey --account default`" in finding.remedy


def test_doctor_takes_a_key_that_some_process_has_for_no_problem(ledger: Mended) -> None:
    note_key(ledger.mistyped.runtime)

    assert [finding.level for finding in ledger.doctor()] == [Level.WARNING]


def test_doctor_has_nothing_to_say_once_they_have_moved(ledger: Mended) -> None:
    assert ledger.run("account", "rekey") == ExitCode.OK

    assert Level.PROBLEM not in {finding.level for finding in ledger.doctor()}


def test_retry_says_that_its_messages_wait_for_a_key_that_nobody_has(ledger: Mended) -> None:
    assert ledger.run("retry", ledger.campaign) == ExitCode.OK
    assert "3 messages wait for a key that no process has any more" in ledger.output
    assert "account rekey" in ledger.output

    assert ledger.run("retry", ledger.campaign, "--json") == ExitCode.OK
    assert json.loads(ledger.output)["waits_for"] == "lost_key"


def test_retry_says_so_where_no_key_is_set_too_once_a_process_has_another(
    ledger: Mended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BSG_API_KEY")
    assert ledger.run("retry", ledger.campaign) == ExitCode.OK
    assert "account rekey" not in ledger.output

    note_key(ledger.mended.runtime)
    assert ledger.run("retry", ledger.campaign) == ExitCode.OK
    assert "account rekey" in ledger.output


def test_retry_says_nothing_of_keys_where_its_own_is_in_use(ledger: Mended) -> None:
    note_key(ledger.mistyped.runtime)

    assert ledger.run("retry", ledger.campaign) == ExitCode.OK
    assert "key" not in ledger.output


def test_explain_names_the_remedy(ledger: Mended) -> None:
    assert ledger.run("explain", ledger.campaign) == ExitCode.OK
    assert "account rekey" in ledger.output


def test_rekey_moves_what_waits_and_it_is_sent(ledger: Mended) -> None:
    assert ledger.run("account", "rekey") == ExitCode.OK
    assert ledger.output == "Moved to BSG_API_KEY: 1 campaigns.\n"

    assert ledger.mended.dispatch().endswith("submitted: taken")
    assert ledger.run("account", "rekey", "--json") == ExitCode.OK
    assert ledger.output == ""


def test_rekey_moves_what_has_expired_meanwhile(ledger: Mended) -> None:
    ledger.mistyped.runtime.redis.hset(f"bsg:campaign:{ledger.campaign}", "deadline", 1)
    ledger.mistyped.runtime.ledger.campaigns.expire(ledger.campaign)

    assert ledger.run("account", "rekey", "--json") == ExitCode.OK
    assert json.loads(ledger.output)["outcome"] == "moved"
    ledger.mended.runtime.ledger.campaigns.retry(ledger.campaign, deadline_ms=4_000_000_000_000)
    assert ledger.mended.dispatch().endswith("submitted: taken")


def test_rekey_refuses_what_may_be_at_bsg_for_the_old_key_and_names_it_with_the_remedy(ledger: Mended) -> None:
    doubtful = ledger.mistyped.prepared(3)
    ledger.mistyped.runtime.gate.open(reason="", by="test")
    ledger.mistyped.unconfirmed(doubtful)

    assert ledger.run("account", "rekey") == ExitCode.FAILED
    assert "Moved to BSG_API_KEY: 1 campaigns." in ledger.output
    assert f"Not moved: {doubtful}: BSG has or may have {doubtful}-0 for the old key" in ledger.output
    assert "BSG_API_KEY__OLD" in ledger.output

    assert ledger.run("resolve", f"{doubtful}-0", "--not-sent") == ExitCode.OK
    assert ledger.run("account", "rekey") == ExitCode.OK


def test_a_dead_workers_request_needs_an_operators_word_before_it_moves(ledger: Mended) -> None:
    posting = ledger.mistyped.prepared(3)
    ledger.mistyped.runtime.gate.open(reason="", by="test")
    ledger.mistyped.posting(posting)
    for key in (f"bsg:account:{ledger.mistyped.runtime.account.id}:leases",):
        ledger.mistyped.runtime.redis.zadd(key, {f"{posting}-0": 1})

    assert ledger.run("account", "rekey") == ExitCode.FAILED

    assert ledger.mended.status(posting).counts["unconfirmed"] == 3
    assert ledger.run("resolve", f"{posting}-0", "--not-sent") == ExitCode.OK
    assert ledger.run("account", "rekey") == ExitCode.OK


def test_a_campaign_that_is_done_under_the_old_key_is_not_spoken_of(
    ledger: Mended, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.mistyped.runtime.gate.open(reason="", by="test")
    done = ledger.mended.submitted(1)
    ledger.mended.sandbox.advance(60)
    ledger.mended.poll_twice(monkeypatch)
    assert ledger.mended.status(done).state.final
    other = "live_other"
    ledger.mended.sandbox.put_account(other)
    monkeypatch.setenv("BSG_API_KEY", other)

    assert ledger.run("account", "rekey") == ExitCode.OK
    assert ledger.output == "Moved to BSG_API_KEY: 1 campaigns.\n"


def test_rekey_while_a_process_has_the_old_key_is_refused(ledger: Mended) -> None:
    note_key(ledger.mistyped.runtime)

    assert ledger.run("account", "rekey") == ExitCode.FAILED
    assert f"Not moved: {ledger.campaign}: a process has the old key" in ledger.output

    ledger.mended.runtime.redis.zincrby("bsg:keys", -IN_USE_MS - 1, ledger.mistyped.runtime.account.id)
    assert ledger.run("account", "rekey") == ExitCode.OK


def test_rekey_to_a_key_that_bsg_does_not_take_moves_nothing(ledger: Mended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSG_API_KEY", "live_mistyped_again")

    assert ledger.run("account", "rekey") == ExitCode.MISUSE
    assert "BSG_API_KEY: BSG does nothing for this account (bad_key). Nothing was moved." in ledger.errors
    assert ledger.mended.status(ledger.campaign).account == ledger.mistyped.runtime.account.id


def test_rekey_without_a_bsg_moves_nothing(ledger: Mended) -> None:
    ledger.mended.sandbox.fault("server_error_before", method="GET", path="/api/accounts/balance")

    assert ledger.run("account", "rekey") == ExitCode.UNREACHABLE
    assert ledger.mended.status(ledger.campaign).account == ledger.mistyped.runtime.account.id


def test_rekey_of_an_account_without_a_key_is_misuse(ledger: Mended, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ledger.run("account", "rekey", "--account", "sales") == ExitCode.MISUSE
    assert "BSG_API_KEY__SALES" in ledger.errors
    monkeypatch.delenv("BSG_API_KEY")
    assert ledger.run("account", "rekey") == ExitCode.MISUSE
    assert "BSG_API_KEY" in ledger.errors
