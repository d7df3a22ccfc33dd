"""Commands on a real ledger, without workers: what they print, and how they exit."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from bsg_cli.command_line import parser
from bsg_cli.errors import ExitCode
from bsg_cli.examples import EXAMPLES
from bsg_cli.main import main
from bsg_cli.parsing import commands_of
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_config.settings_table import SETTINGS
from bsg_ledger.gate import GateReason
from bsg_ledger.ledger import Ledger
from bsg_messages.reference_ids import generated_ids
from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from tests.servers import RedisServer

CONTACTS = "phone,name\n+380 66 123-12-31,Ann\n+380 66 123-12-32,Bob\n"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ledger(directory: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in which commands reach an empty ledger."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    return directory


class CommandLine:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.output = ""
        self.errors = ""

    def run(self, *words: str) -> int:
        code = main(words)
        self.output, self.errors = self._capsys.readouterr()
        return code

    def json(self, *words: str) -> dict[str, Any]:
        assert self.run(*words, "--json") == ExitCode.OK, self.errors
        responded: dict[str, Any] = json.loads(self.output)
        return responded

    def send(self, *words: str, contacts: str = CONTACTS) -> str:
        Path("contacts.csv").write_text(contacts, encoding="utf-8")
        receipt = self.json("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi {{ name }}", *words)
        return str(receipt["campaign_id"])


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


def test_a_file_becomes_a_campaign_whose_counts_add_up(ledger: Path, line: CommandLine) -> None:
    campaign = line.send("--name", "autumn")
    status = line.json("status", campaign)
    assert status["state"] == "accepted"
    assert status["name"] == "autumn"
    counts = status["counts"]
    assert counts["accepted"] == 2
    assert sum(counts.values()) == 4


def test_the_same_idempotency_key_and_file_is_accepted_once(ledger: Path, line: CommandLine) -> None:
    first = line.send("--idempotency-key", "autumn")
    assert line.send("--idempotency-key", "autumn") == first
    assert line.run("list") == ExitCode.OK
    assert line.output.count(first) == 1


def test_the_same_idempotency_key_with_another_file_is_bad_input(ledger: Path, line: CommandLine) -> None:
    line.send("--idempotency-key", "autumn")
    Path("contacts.csv").write_text(CONTACTS + "380661231233,Eve\n")
    words = ("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi {{ name }}")
    assert line.run(*words, "--idempotency-key", "autumn") == ExitCode.MISUSE
    assert "idempotency key" in line.errors


def test_a_bad_row_deep_in_the_file_leaves_no_campaign(ledger: Path, line: CommandLine) -> None:
    rows = "".join(f"3806612{number:05d},Ann\n" for number in range(25_000))
    Path("contacts.csv").write_text("phone,name\n" + rows + "380661231231\n")
    code = line.run("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi {{ name }}")
    assert code == ExitCode.MISUSE
    assert "contacts.csv, line 25002: 1 cells" in line.errors
    assert line.output == ""
    assert line.run("list", "--json") == ExitCode.OK
    assert line.output == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--text", "Hi {{ name"), "text:"),
        (("--text", "Hi", "--start-at", "2020-01-01T09:00+00:00"), "--start-at:"),
        (("--text", "Hi", "--validity", "1000"), "validity:"),
        (("--text", "Hi", "--start-at", "2030-01-01T09:00"), "'2030-01-01T09:00' has no zone"),
        (("--text", "Hi {{ nmae }}"), "contacts.csv, line 1: no column is named `nmae`, which the text uses"),
        ((), "no column is named `text`"),
    ],
)
def test_a_campaign_that_breaks_a_rule_is_bad_input(
    ledger: Path, line: CommandLine, words: tuple[str, ...], message: str
) -> None:
    Path("contacts.csv").write_text(CONTACTS)
    assert line.run("send", "contacts.csv", "--sender", "MyShop", *words) == ExitCode.MISUSE
    assert message in line.errors
    assert "Traceback" not in line.errors


def test_a_field_with_a_default_or_behind_an_if_needs_no_column(ledger: Path, line: CommandLine) -> None:
    line.send("--text", "Hi {{ nick | default('you') }}{% if city %} in {{ city }}{% endif %}")


def test_a_file_of_column_names_alone_is_bad_input(ledger: Path, line: CommandLine) -> None:
    Path("contacts.csv").write_text("phone,text\n")
    assert line.run("send", "contacts.csv", "--sender", "MyShop") == ExitCode.MISUSE
    assert "contacts.csv, line 2: no rows" in line.errors


def test_a_sender_comes_from_the_option_or_a_column(ledger: Path, line: CommandLine) -> None:
    Path("contacts.csv").write_text("phone,text\n380661231231,Hello\n")
    assert line.run("send", "contacts.csv") == ExitCode.MISUSE
    assert "no column is named `sender`" in line.errors
    Path("contacts.csv").write_text("phone,text,sender\n380661231231,Hello,MyShop\n")
    assert line.run("send", "contacts.csv") == ExitCode.OK


def test_a_paused_campaign_says_so_until_it_is_resumed(ledger: Path, line: CommandLine) -> None:
    campaign = line.send()
    assert line.json("pause", campaign) == {"campaign_id": campaign, "paused": True, "held": 2, "gone": 0}
    assert line.run("status", campaign) == ExitCode.OK
    assert "paused" in line.output.splitlines()[0]
    assert line.json("resume", campaign) == {"campaign_id": campaign, "paused": False, "unsent": 2}
    assert line.run("status", campaign) == ExitCode.OK
    assert "paused" not in line.output.splitlines()[0]


def test_cancelling_says_how_many_will_not_be_sent_and_how_many_had_gone(ledger: Path, line: CommandLine) -> None:
    campaign = line.send()
    assert line.json("cancel", campaign) == {"campaign_id": campaign, "cancelled": 2, "gone": 0}
    assert line.json("status", campaign)["state"] == "cancelled"


def test_watching_a_campaign_that_did_not_end_well_fails(ledger: Path, line: CommandLine) -> None:
    campaign = line.send()
    line.run("cancel", campaign)
    assert line.run("watch", campaign) == ExitCode.FAILED
    assert "accepted" in line.output


def test_a_test_send_takes_the_first_rows_to_ones_own_phone(ledger: Path, line: CommandLine) -> None:
    rows = "".join(f"+38066123123{number},N{number},id-{number}\n" for number in range(5))
    Path("contacts.csv").write_text(f"phone,name,reference_id\n{rows}", encoding="utf-8")
    words = ("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi {{ name }}", "--test-to")
    receipt = line.json(*words, "+380671231231")
    assert receipt["messages"] == 3
    assert line.run(*words, "12") == ExitCode.MISUSE
    assert "--test-to: not an international phone number" in line.errors
    assert line.run(*words, "+380671231231", "--dry-run") == ExitCode.MISUSE


def test_a_test_send_shows_the_texts_as_they_are_sent_and_no_phone(ledger: Path, line: CommandLine) -> None:
    Path("contacts.csv").write_text("phone,name\n+380661231231,Ann\n+380661231232,Bob\n", encoding="utf-8")
    words = ("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi {{ name }}", "--test-to", "+380671231231")

    assert line.run(*words) == ExitCode.OK

    assert line.output.splitlines()[1:] == ["  text 1: Hi Ann", "  text 2: Hi Bob"]
    assert "380" not in line.output + line.errors


def test_the_newest_campaign_is_printed_alone(ledger: Path, line: CommandLine) -> None:
    assert line.run("list", "--newest") == ExitCode.FAILED
    assert (line.output, "There is no campaign." in line.errors) == ("", True)
    line.send()
    newest = line.send("--name", "another")

    assert line.run("list", "--newest") == ExitCode.OK
    assert line.output == f"{newest}\n"
    assert line.json("list", "--newest") == {"campaign_id": newest}


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("sned", "contacts.csv"), "Did you mean send?"),
        (("statsu",), "Did you mean status?"),
        (("send", "contacts.csv", "--sendr", "MyShop"), "Did you mean --sender?"),
        (("list", "--limt=3"), "Did you mean --limit?"),
        (("stream", "send", "codes", "380661231231", "--text", "Hi", "--sendr", "MyShop"), "Did you mean --sender?"),
        (("quux",), "`bsg-campaigns --help` lists what there is."),
    ],
)
def test_a_word_that_is_mistyped_gets_the_nearest_one(line: CommandLine, words: tuple[str, ...], near: str) -> None:
    assert line.run(*words) == ExitCode.MISUSE
    assert "usage:" in line.errors
    assert near in line.errors


def test_every_command_and_every_option_is_described_in_its_help() -> None:
    commands = commands_of(parser())
    own_help = {"sandbox"}

    assert [name for name, command in commands.items() if name not in own_help and not command.description] == []
    assert [
        f"{name} {action.dest}" for name, command in commands.items() for action in command._actions if not action.help
    ] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi", "--send-between", "soon"), "--send-between: "),
        (("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi", "--max-cost", "much"), "--max-cost: "),
        (("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi", "--callback-url", "x"), "--callback-url: "),
        (("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi", "--tariff-code", "-1"), "--tariff-code: "),
        (("events", "--since", "then"), "--since: "),
        (("suppress", "12"), "PHONE: "),
    ],
)
def test_what_is_wrong_is_called_what_it_is_called_on_the_command_line(
    ledger: Path, line: CommandLine, words: tuple[str, ...], message: str
) -> None:
    Path("contacts.csv").write_text(CONTACTS, encoding="utf-8")

    assert line.run(*words) == ExitCode.MISUSE
    assert f"bsg-campaigns: {message}" in line.errors


def test_hours_and_a_cap_are_taken_and_reported_when_they_are_wrong(ledger: Path, line: CommandLine) -> None:
    campaign = line.send("--send-between", "09:00-20:00 Europe/Kyiv", "--max-cost", "25.50")
    line.run("pause", campaign)
    assert line.json("resume", campaign, "--max-cost", "30")["paused"] is False
    assert line.run("resume", campaign, "--max-cost", "much") == ExitCode.MISUSE
    assert "--max-cost: Not an amount of money" in line.errors
    words = ("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi")
    assert line.run(*words, "--send-between", "9-20") == ExitCode.MISUSE
    assert "--send-between: Not hours of a day: write it as 09:00-20:00" in line.errors


def test_who_opted_out_is_listed_from_the_command_line_and_from_a_file(ledger: Path, line: CommandLine) -> None:
    Path("out.csv").write_text("phone;name\n066 123-12-32;Bob\n066 123-12-31;Ann\n", encoding="utf-8")
    assert line.json("suppress", "+380661231231", "--file", "out.csv", "--region", "UA") == {
        "given": 2,
        "suppressed": 2,
    }
    assert line.run("suppressed") == ExitCode.OK
    assert sorted(line.output.split()) == ["380661231231", "380661231232"]
    assert line.run("suppressed", "--source") == ExitCode.OK
    assert sorted(line.output.splitlines()) == ["380661231231  here", "380661231232  here"]
    assert line.json("unsuppress", "+380661231231") == {"given": 1, "unsuppressed": 1}
    assert line.json("suppressed") == {"phone": "380661231232"}
    assert line.json("suppressed", "--source") == {"phone": "380661231232", "sources": ["here"]}


def test_a_wrong_phone_of_who_opted_out_names_file_and_line_and_changes_nothing(
    ledger: Path, line: CommandLine
) -> None:
    Path("out.csv").write_text("phone\n+380661231231\n12\n", encoding="utf-8")
    assert line.run("suppress", "--file", "out.csv") == ExitCode.MISUSE
    assert "out.csv, line 3: phone: not an international phone number" in line.errors
    assert line.run("suppress") == ExitCode.MISUSE
    assert line.run("suppressed") == ExitCode.OK
    assert line.output == ""


def test_events_of_all_campaigns_are_read_on_from_the_last_position(ledger: Path, line: CommandLine) -> None:
    first = line.send()
    accepted = line.json("events")
    assert (accepted["campaign_id"], accepted["to_state"]) == (first, "accepted")
    line.run("cancel", first)
    assert line.run("events", "--since", accepted["position"]) == ExitCode.OK
    assert f"{first}  " in line.output
    assert "unprepared → cancelled" in line.output
    assert "accepted" not in line.output


def test_events_that_are_no_longer_kept_fail_and_say_how_to_go_on(ledger: Path, line: CommandLine) -> None:
    line.send()
    position = line.json("events")["position"]
    line.send()
    line.send()
    connect(Settings.from_environment()).xtrim("bsg:events", maxlen=1, approximate=False)
    assert line.run("events", "--since", position) == ExitCode.FAILED
    assert "read the status of the campaigns anew" in line.errors
    assert line.run("events", "--since", "yesterday") == ExitCode.MISUSE
    assert "since: not a position in the feed" in line.errors


def test_delivery_reports_are_read_on_from_the_last_position(ledger: Path, line: CommandLine) -> None:
    producer = Producer(Settings.from_environment())
    campaign = line.send()
    producer.record_reports([{"reference": generated_ids(campaign, 0, 1)[0], "status": "sent"}])
    sent = line.json("events", "--reports")
    assert (sent["campaign_id"], sent["index"], sent["status"]) == (campaign, 0, "sent")
    producer.record_reports([{"reference": "order1742", "status": "delivered", "price": "0.0527088"}])
    assert line.run("events", "--reports", "--since", sent["position"]) == ExitCode.OK
    assert "order1742  delivered  0.0527088\n" in line.output
    assert campaign not in line.output
    connect(Settings.from_environment()).xtrim("bsg:delivery-reports", maxlen=0, approximate=False)
    assert line.run("events", "--reports", "--since", sent["position"]) == ExitCode.FAILED
    assert "read `report(campaign_id)`" in line.errors


@pytest.mark.parametrize("command", ["status", "watch", "rejects", "explain", "pause", "resume", "cancel", "retry"])
def test_an_unknown_campaign_is_misuse(ledger: Path, line: CommandLine, command: str) -> None:
    assert line.run(command, "0000000000000000000000") == ExitCode.MISUSE
    assert "0000000000000000000000" in line.errors
    assert line.output == ""


@pytest.mark.parametrize("batch", ["0000000000000000000000-0", "nonsense"])
def test_an_unknown_batch_cannot_be_resolved(ledger: Path, line: CommandLine, batch: str) -> None:
    assert line.run("resolve", batch, "--not-sent") == ExitCode.MISUSE
    assert "Traceback" not in line.errors


def test_a_batch_that_a_known_campaign_lacks_is_reported_as_a_batch(ledger: Path, line: CommandLine) -> None:
    campaign = line.send()
    assert line.run("resolve", f"{campaign}-7", "--not-sent") == ExitCode.MISUSE
    assert f"there is no batch {campaign}-7" in line.errors


def test_what_is_no_id_of_bsgs_decides_nothing(ledger: Path, line: CommandLine) -> None:
    assert line.run("resolve", "0000000000000000000000-0", "--sent", "-1") == ExitCode.MISUSE
    assert "sent: not the id of a campaign at BSG" in line.errors


def test_resolve_wants_one_word_of_two(ledger: Path, line: CommandLine) -> None:
    assert line.run("resolve", "0000000000000000000000-0") == ExitCode.MISUSE
    assert line.run("resolve", "0000000000000000000000-0", "--not-sent", "--sent", "7") == ExitCode.MISUSE


def test_the_gate_shuts_and_opens_by_hand(ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSG_API_KEY", "live_test")
    assert line.json("gate")["open"] is True
    shut = line.json("gate", "shut")
    assert (shut["open"], shut["by"]) == (False, "operator")
    assert line.run("gate") == ExitCode.OK
    assert line.output.startswith("The gate is shut because of operator by operator since ")
    assert line.json("gate", "open")["open"] is True


def test_a_gate_that_doubts_have_shut_says_when_it_is_tried_and_a_half_open_one_what_opens_it(
    ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BSG_API_KEY", "live_test")
    gate = Ledger(connect(Settings.from_environment())).gate(Settings.from_environment().account.id)
    gate.shut(reason=GateReason.DOUBTS, by="test")
    line.run("gate")
    shut = line.output
    gate.reopen(by="probe")
    line.run("gate")

    assert shut.startswith("The gate is shut because of doubts")
    assert "BSG is asked at " in shut
    assert line.output.startswith("The gate is half open because of doubts")
    assert "A clear response from BSG to that batch opens the gate completely." in line.output
    assert line.json("gate")["half_open"] is True


def test_a_gate_is_that_of_the_account_that_is_named(
    ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BSG_API_KEY", "live_test")
    monkeypatch.setenv("BSG_API_KEY__MARKETING", "live_marketing")
    assert line.json("gate", "shut", "--account", "marketing")["open"] is False
    assert line.json("gate")["open"] is True
    assert line.json("gate", "--account", "marketing")["open"] is False


@pytest.mark.parametrize(
    ("name", "message"), [("sales", "BSG_API_KEY__SALES"), ("Sales", "'Sales' is not an account's name")]
)
def test_an_account_that_is_not_known_here_is_bad_input(
    ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.setenv("BSG_API_KEY", "live_test")
    Path("contacts.csv").write_text(CONTACTS, encoding="utf-8")
    for words in (("gate",), ("audit",), ("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi")):
        assert line.run(*words, "--account", name) == ExitCode.MISUSE
        assert message in line.errors
        assert "Traceback" not in line.errors
    assert line.run("list", "--json") == ExitCode.OK
    assert line.output == ""


def test_a_campaign_is_sent_for_the_account_that_is_named(ledger: Path, line: CommandLine) -> None:
    campaign = line.send("--account", "marketing")
    assert line.json("status", campaign)["account_name"] == "marketing"
    assert line.run("status", campaign) == ExitCode.OK
    assert "for the account marketing, deadline" in line.output


def test_a_gate_that_a_ledger_that_went_back_has_shut_names_the_remedy(
    ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BSG_API_KEY", "live_test")
    Ledger(connect(Settings.from_environment())).gate(Settings.from_environment().account.id).shut(
        reason=GateReason.LEDGER_WENT_BACK, by="test"
    )
    assert line.run("gate") == ExitCode.OK
    assert "audit --recover" in line.output


def test_the_status_says_whether_the_campaign_is_another_accounts(
    ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = line.send()
    assert line.json("status", campaign)["another_account"] is None
    monkeypatch.setenv("BSG_API_KEY", "live_first")
    assert line.json("status", campaign)["another_account"] is False
    with connect(Settings.from_environment()) as client:
        client.hset(f"bsg:campaign:{campaign}", "account", Settings.from_environment().account.id)
    assert line.json("status", campaign)["another_account"] is False
    monkeypatch.setenv("BSG_API_KEY", "live_second")
    assert line.json("status", campaign)["another_account"] is True
    assert line.run("status", campaign) == ExitCode.OK
    assert "It waits for a key that no process has any more: account default." in line.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--since", "2026-01-01T00:00+00:00", "--until", "2026-05-01T00:00+00:00"), "--since: more than 92 days"),
        (("--since", "2026-01-02T00:00+00:00", "--until", "2026-01-01T00:00+00:00"), "--since: it is not before"),
        (("--since", "2026-01-01T00:00"), "has no zone"),
        (("--until", "soon"), "no time"),
        ((), "BSG_API_KEY"),
    ],
)
def test_an_audit_that_cannot_be_is_misuse(
    ledger: Path, line: CommandLine, words: tuple[str, ...], message: str
) -> None:
    assert line.run("audit", *words) == ExitCode.MISUSE
    assert message in line.errors
    assert "Traceback" not in line.errors


def test_an_audit_without_bsg_or_without_redis_is_unreachable(
    ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BSG_API_KEY", "live_test")
    monkeypatch.setenv("BSG_BASE_URL", "http://127.0.0.1:1")
    assert line.run("audit") == ExitCode.UNREACHABLE
    assert "BSG_BASE_URL" in line.errors
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert line.run("audit", "--recover") == ExitCode.UNREACHABLE
    assert "Redis cannot be reached" in line.errors


def test_an_audit_with_a_key_that_bsg_does_not_know_is_misuse(
    ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        monkeypatch.setenv("BSG_API_KEY", "live_unknown")
        monkeypatch.setenv("BSG_BASE_URL", sandbox.url)
        assert line.run("audit") == ExitCode.MISUSE
    assert "BSG_API_KEY" in line.errors


def test_an_audit_says_when_neither_side_lacks_anything(
    ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        monkeypatch.setenv("BSG_API_KEY", "live_sandbox")
        monkeypatch.setenv("BSG_BASE_URL", sandbox.url)
        assert line.run("audit") == ExitCode.OK
        assert "Neither side lacks any" in line.output
        assert line.json("audit")["audit"]["orphans"] == []


def test_a_gate_without_an_account_is_misuse(ledger: Path, line: CommandLine) -> None:
    assert line.run("gate") == ExitCode.MISUSE
    assert "BSG_API_KEY" in line.errors


def test_without_any_redis_the_remedy_is_reported(directory: Path, line: CommandLine) -> None:
    assert line.run("list") == ExitCode.UNREACHABLE
    assert "bsg-campaigns up" in line.errors
    assert "REDIS_URL" in line.errors


def test_a_redis_that_does_not_respond_is_unreachable(
    directory: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    Path("contacts.csv").write_text(CONTACTS)
    for words in (("list",), ("status", "0" * 22), ("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi")):
        assert line.run(*words) == ExitCode.UNREACHABLE, words
        assert "Traceback" not in line.errors


def test_a_password_that_redis_refuses_is_reported_as_such(
    directory: Path, own_redis_server: RedisServer, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_redis_server.client() as client:
        client.config_set("requirepass", "right")
    address = own_redis_server.url.removeprefix("redis://")
    monkeypatch.setenv("BSG_API_KEY", "live_test")
    for credentials in ("", ":wrong@"):
        monkeypatch.setenv("REDIS_URL", f"redis://{credentials}{address}")
        for words in (("list",), ("up", "--flower-port", "0")):
            assert line.run(*words) == ExitCode.UNREACHABLE
            assert "refuses the user name or password: correct them in REDIS_URL" in line.errors


def test_wrong_settings_are_reported_all_at_once(
    ledger: Path, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BSG_RATE_LIMIT", "soon")
    monkeypatch.setenv("CAMPAIGN_BATCH_SIZE", "99999")
    assert line.run("list") == ExitCode.MISUSE
    assert "BSG_RATE_LIMIT" in line.errors
    assert "CAMPAIGN_BATCH_SIZE" in line.errors


@pytest.mark.parametrize(
    "words", [(), ("fly",), ("status",), ("send", "a.csv", "--start-at", "soon"), ("list", "--limit", "-1")]
)
def test_a_wrong_command_line_is_misuse(line: CommandLine, words: tuple[str, ...]) -> None:
    assert line.run(*words) == ExitCode.MISUSE
    assert "usage:" in line.errors


def test_help_names_every_command(line: CommandLine) -> None:
    assert line.run("--help") == ExitCode.OK
    commands = (
        "send stream message status list watch rejects explain pause resume cancel retry resolve gate audit doctor "
        "healthcheck sandbox up demo"
    )
    for command in commands.split():
        assert command in line.output.split()


def test_output_that_nobody_reads_to_its_end_is_no_error(ledger: Path) -> None:
    piped = shell(f"{sys.executable} -m bsg_cli --help | true")
    assert piped.stderr == ""


def test_a_closed_output_is_no_error(ledger: Path) -> None:
    closed = shell(f"{sys.executable} -m bsg_cli list >&-")
    assert (closed.returncode, closed.stderr) == (ExitCode.OK, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_an_output_that_takes_no_more_is_reported_without_a_traceback(ledger: Path) -> None:
    full = shell(f"{sys.executable} -m bsg_cli list >/dev/full")
    assert full.returncode == ExitCode.FAILED
    assert full.stderr == "bsg-campaigns: No space left on device\n"


def test_a_terminal_that_knows_fewer_characters_gets_others_instead(ledger: Path, line: CommandLine) -> None:
    campaign = line.send("--name", "Київ")
    done = shell(f"PYTHONIOENCODING=ascii {sys.executable} -m bsg_cli status {campaign}")
    assert done.returncode == ExitCode.OK, done.stderr
    assert "????" in done.stdout


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=90, check=False)


def test_what_send_prints_has_no_phones_and_no_texts(ledger: Path, line: CommandLine) -> None:
    campaign = line.send()
    for words in (("status", campaign), ("list",), ("pause", campaign), ("cancel", campaign)):
        line.run(*words)
        assert "38066" not in line.output
        assert "Ann" not in line.output


def test_the_version_is_that_of_the_distribution(line: CommandLine) -> None:
    assert line.run("--version") == ExitCode.OK
    assert line.output == f"bsg-campaigns {version('bsg-campaigns')}\n"


def test_a_single_message_is_one_message(ledger: Path, line: CommandLine) -> None:
    Path("contacts.csv").write_text("phone\n+380661231231\n", encoding="utf-8")

    assert line.run("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi") == ExitCode.OK
    campaign = line.output.split()[-1]

    assert line.output == f"Accepted: 1 message as campaign {campaign}\n"
    assert line.run("pause", campaign) == ExitCode.OK
    assert line.output == "Paused: 1 message held. 0 messages had gone to BSG, where they go on.\n"
    assert line.run("resume", campaign) == ExitCode.OK
    assert line.output == "Resumed: 1 message to be sent.\n"
    assert line.run("cancel", campaign) == ExitCode.OK
    assert line.output.startswith("Cancelled: 1 message will not be sent. 0 messages had gone to BSG, or may have:")


def test_the_sandbox_prints_json_with_or_without_the_option(line: CommandLine) -> None:
    line.run("sandbox", "--json", "--port", "99999")

    assert "--port 0" in line.errors
    assert "unrecognized" not in line.errors


def test_every_command_has_examples_which_the_command_line_itself_reads() -> None:
    found = parser()

    assert set(EXAMPLES) == set(commands_of(found)) - {"sandbox"}
    for examples in EXAMPLES.values():
        for example in examples:
            words = shlex.split(example)
            end = words.index(">") if ">" in words else len(words)
            assert words[0] == "bsg-campaigns"
            assert found.parse_args(words[1:end])


def test_the_examples_are_in_the_help(line: CommandLine) -> None:
    assert line.run("send", "--help") == ExitCode.OK
    assert EXAMPLES["send"][0] in line.output


def test_a_shell_is_reported_what_may_come_next(directory: Path) -> None:
    asked = "COMP_LINE='bsg-campaigns hea' COMP_POINT=17 _ARGCOMPLETE=1 IFS=\v"
    done = shell(f"{asked} {sys.executable} -m bsg_cli 8>&1 9>/dev/null")
    assert done.stdout.strip() == "healthcheck", done.stderr


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(
    ledger: Path, line: CommandLine, variables: dict[str, str], coloured: bool
) -> None:
    campaign = line.send()
    line.run("cancel", campaign)
    terminal, its_end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **variables}
    environment = {name: value for name, value in environment.items() if name != "NO_COLOR" or name in variables}
    subprocess.run([sys.executable, "-m", "bsg_cli", "status", campaign], stdout=its_end, env=environment, check=True)
    os.close(its_end)

    shown = os.read(terminal, 10_000).decode()

    os.close(terminal)
    assert ("\x1b[33mcancelled\x1b[0m" in shown) is coloured
    assert line.run("status", campaign) == ExitCode.OK
    assert "\x1b" not in line.output
