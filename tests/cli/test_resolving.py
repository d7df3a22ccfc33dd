"""`resolve --all-not-sent` and `--all-found`: what is shown first, what is done, and what is left alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_config.settings_table import SETTINGS
from bsg_ledger.batch_id import BatchId
from bsg_sandbox.server import Sandbox
from tests.worker.harness import WorkerHarness


class Operator:
    """Runs commands in this process, on a ledger, with the sandbox as the provider."""

    def __init__(self, harness: WorkerHarness, capsys: pytest.CaptureFixture[str]) -> None:
        self.harness = harness
        self._capsys = capsys
        self.output = ""
        self.errors = ""

    def run(self, *words: str) -> int:
        code = main(("resolve", *words))
        self.output, self.errors = self._capsys.readouterr()
        return code

    def documents(self, *words: str) -> list[dict[str, Any]]:
        assert self.run(*words, "--json") == ExitCode.OK, self.errors
        return [json.loads(line) for line in self.output.splitlines()]

    def in_doubt(self, fault: str, *, needs_operator: bool = True) -> str:
        """Return a batch in doubt: BSG has it, or has not; it needs an operator."""
        self.harness.sandbox.fault(fault, status=502, times=1)
        campaign = self.harness.submitted(3)
        assert self.harness.batch(campaign).state == "unconfirmed"
        if needs_operator:
            self.harness.runtime.ledger.batches.absent(
                BatchId.of(campaign, 0),
                attempts=1,
                duplicate_window_ms=0,
                delay_ms=0,
                look_again_ms=60_000,
                cause="no trace",
            )
        return campaign

    def state(self, campaign: str) -> str:
        return self.harness.batch(campaign).state.value


@pytest.fixture
def operator(redis_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        for setting in SETTINGS:
            monkeypatch.delenv(setting.name, raising=False)
        for name, value in harness.environment.items():
            monkeypatch.setenv(name, value)
        yield Operator(harness, capsys)


def test_what_would_be_done_is_shown_for_each_batch_and_a_dry_run_does_nothing(operator: Operator) -> None:
    asked, looked_at = (
        operator.in_doubt("server_error_before"),
        operator.in_doubt("server_error_before", needs_operator=False),
    )

    assert operator.run("--all-not-sent", "--dry-run") == ExitCode.OK
    lines = {line.split()[0]: line for line in operator.output.splitlines()}
    assert lines[f"{asked}-0"].endswith("is sent again")
    assert lines[f"{looked_at}-0"].endswith("left alone: no operator is needed yet")
    assert "Nothing was changed." in operator.output
    assert [operator.state(asked), operator.state(looked_at)] == ["unconfirmed"] * 2


def test_all_that_need_an_operator_are_sent_again_once_and_no_others(operator: Operator) -> None:
    asked, looked_at = (
        operator.in_doubt("server_error_before"),
        operator.in_doubt("server_error_before", needs_operator=False),
    )
    first = operator.documents("--all-not-sent", "--yes")
    second = operator.documents("--all-not-sent", "--yes")
    operator.harness.dispatch()

    assert first == [{"batch": f"{asked}-0", "messages": 3, "state": "pending"}]
    assert second == []
    assert [operator.state(asked), operator.state(looked_at)] == ["submitted", "unconfirmed"]
    assert operator.harness.sandbox.summary().messages == 3


def test_a_period_and_an_account_choose_what_is_decided(operator: Operator) -> None:
    asked = operator.in_doubt("server_error_before")

    assert operator.documents("--all-not-sent", "--yes", "--until", "2026-01-01T00:00Z") == []
    assert operator.documents("--all-found", "--yes", "--until", "2026-01-01T00:00Z") == []
    assert operator.run("--all-not-sent", "--yes", "--account", "marketing") == ExitCode.MISUSE
    assert "BSG_API_KEY__MARKETING" in operator.errors
    assert operator.state(asked) == "unconfirmed"


@pytest.mark.parametrize("what", ["--all-not-sent", "--all-found"])
@pytest.mark.parametrize(("response", "done"), [("yes\n", True), ("y\n", False), ("", False)])
def test_nothing_is_done_before_an_operator_says_yes(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, what: str, response: str, *, done: bool
) -> None:
    campaign = operator.in_doubt("server_error_before" if what == "--all-not-sent" else "server_error_after")
    terminal = io.StringIO(response)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)

    assert operator.run(what) == ExitCode.OK
    assert (operator.state(campaign) != "unconfirmed") is done
    assert ("Nothing was changed." in operator.output) is not done


@pytest.mark.parametrize("what", ["--all-not-sent", "--all-found"])
def test_where_nobody_can_be_asked_nothing_is_done(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    campaign = operator.in_doubt("server_error_before" if what == "--all-not-sent" else "server_error_after")
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))

    assert operator.run(what) == ExitCode.MISUSE
    assert "--yes" in operator.errors
    assert operator.state(campaign) == "unconfirmed"


def test_what_bsg_has_is_recorded_as_sent_and_the_rest_stays_in_doubt(operator: Operator) -> None:
    there, away = (
        operator.in_doubt("server_error_after", needs_operator=False),
        operator.in_doubt("server_error_before"),
    )
    shown = operator.documents("--all-found", "--dry-run")
    before = operator.state(there)
    done = operator.documents("--all-found", "--yes")
    again = operator.documents("--all-found", "--yes")

    assert [(one["doubt"]["batch"], one["changes"]) for one in shown] == [(f"{there}-0", True), (f"{away}-0", False)]
    assert shown[0]["action"].startswith("is recorded as sent: BSG campaign 1")
    assert shown[1]["action"] == "left alone: BSG does not show it"
    assert before == "unconfirmed"
    assert done == [{"batch": f"{there}-0", "messages": 3, "state": "submitted"}]
    assert again == []
    assert [operator.state(there), operator.state(away)] == ["submitted", "unconfirmed"]


def test_without_any_doubt_it_says_so(operator: Operator) -> None:
    for what in ("--all-not-sent", "--all-found"):
        assert operator.run(what) == ExitCode.OK
        assert operator.output.startswith("No batch of the account is in doubt")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--not-sent",), "BATCH: give the id"),
        (("C-0", "--all-not-sent"), "BATCH: --all-not-sent"),
        (("C-0", "--not-sent", "--dry-run"), "--dry-run: only with"),
        (("C-0", "--not-sent", "--since", "2026-01-01T00:00Z"), "--since: only with"),
    ],
)
def test_options_that_do_not_fit_are_named(operator: Operator, words: tuple[str, ...], message: str) -> None:
    assert operator.run(*words) == ExitCode.MISUSE
    assert message in operator.errors


def test_history_and_explain_say_the_same_of_a_batch(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = operator.in_doubt("server_error_before")
    asked = [
        one.detail for one in operator.harness.status(campaign).transitions if "operator has to decide" in one.cause
    ]
    main(("explain", campaign))

    assert asked == ["no trace"]
    assert f"in doubt (HTTP 502; {asked[0]}), and an operator has to decide" in capsys.readouterr().out
