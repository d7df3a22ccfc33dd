"""`stream` and `message` on a real ledger, without workers: what they print, and how they exit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_config.settings_table import SETTINGS
from bsg_messages.reference_ids import stream_message_id
from bsg_sandbox.server import Sandbox
from tests.servers import free_port
from tests.worker.harness import WorkerHarness

UNKNOWN = stream_message_id("0123456789ABCDEFGHIJkl", 0, "x7T")
SEND = ("stream", "send", "codes", "+380 66 123-12-31", "--sender", "MyShop", "--text", "Your code is 1234")


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


@pytest.fixture
def line(
    capsys: pytest.CaptureFixture[str], redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> CommandLine:
    """Commands that reach an empty ledger."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", redis_url)
    return CommandLine(capsys)


def test_a_message_is_accepted_and_looked_up(line: CommandLine) -> None:
    receipt = line.json(*SEND)
    assert receipt["duplicate"] is False

    message = line.json("message", receipt["message_id"])
    assert (message["message_id"], message["state"]) == (receipt["message_id"], "pending")

    assert line.run("message", receipt["message_id"]) == ExitCode.OK
    assert line.output.splitlines()[0] == f"Message {receipt['message_id']}: pending"


def test_what_is_printed_has_no_phone_and_no_text(line: CommandLine) -> None:
    assert line.run(*SEND) == ExitCode.OK
    message_id = line.output.split()[-1]
    assert line.output == f"Accepted: message {message_id}\n"
    for words in (("message", message_id), ("stream", "list"), ("stream", "status", "codes")):
        for form in ((), ("--json",)):
            assert line.run(*words, *form) == ExitCode.OK
            assert "12312" not in line.output
            assert "Your code" not in line.output


def test_the_same_key_accepts_a_message_once_and_another_message_never(line: CommandLine) -> None:
    first = line.json(*SEND, "--idempotency-key", "code-1")

    assert line.run(*SEND, "--idempotency-key", "code-1") == ExitCode.OK
    assert line.output == f"Already accepted: message {first['message_id']}\n"
    assert line.run(*SEND[:-1], "Your code is 9", "--idempotency-key", "code-1") == ExitCode.MISUSE
    assert f"the idempotency key belongs to message {first['message_id']}" in line.errors


def test_messages_with_different_texts_and_senders_share_a_campaign(line: CommandLine) -> None:
    line.json(*SEND)
    line.json("stream", "send", "codes", "380661231232", "--sender", "Other", "--text", "Hello!")

    assert [campaign["messages"] for campaign in line.json("stream", "status", "codes")["campaigns"]] == [2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("codes", "12", "--sender", "MyShop", "--text", "Hi"), "PHONE: not an international phone number: write"),
        (("codes", "380661231231", "--text", "Hi"), "--sender: "),
        (("codes", "380661231231", "--sender", "x" * 12, "--text", "Hi"), "--sender: "),
        (("codes", "380661231231", "--sender", "MyShop", "--text", " "), "--text: "),
        (
            ("codes", "380661231231", "--sender", "MyShop", "--text", "Hi {{ name }}"),
            "--text: no template is filled in",
        ),
        (("codes", "380661231231", "--text", "Hi", "--reference-id", "x" * 200), "--reference-id: "),
        (("codes", "380661231231", "--text", "Hi", "--tariff-code", "-1"), "--tariff-code: "),
        (("codes", "380661231231", "--text", "Hi", "--idempotency-key", ""), "--idempotency-key: "),
        (("Codes!", "380661231231", "--text", "Hi"), "NAME: Not a stream's name: give up to 64 small letters"),
        (("codes", "380661231231", "--text", "Hi", "--validity", "1000"), "--validity: "),
        (("codes", "380661231231", "--text", "Hi", "--max-wait", "1e9"), "--max-wait: "),
        (
            ("codes", "380661231231", "--text", "Hi", "--deadline", "soon"),
            "'soon' is not a number of seconds: give one",
        ),
        (("codes", "380661231231", "--text", "Hi", "--deadline", "nan"), "'nan' is not a number of seconds: give one"),
        (("codes", "380661231231", "--text", "Hi", "--send-between", "soon"), "--send-between: "),
        (("codes", "380661231231"), "--text"),
    ],
)
def test_bad_input_is_misuse_names_the_argument_and_accepts_nothing(
    line: CommandLine, words: tuple[str, ...], message: str
) -> None:
    given = words if "--sender" in words or "--sender: " in message else (*words, "--sender", "MyShop")

    assert line.run("stream", "send", *given) == ExitCode.MISUSE
    assert message in line.errors
    assert "Traceback" not in line.errors
    assert line.run("stream", "list", "--json") == ExitCode.OK
    assert line.output == ""


def test_a_suppressed_phone_is_misuse_and_the_remedy_is_named(line: CommandLine) -> None:
    line.run("suppress", "380661231231")

    assert line.run(*SEND) == ExitCode.MISUSE
    assert line.errors == "bsg-campaigns: PHONE: on the list of phones that are never sent to (unsuppress).\n"


def test_a_stream_is_paused_resumed_and_cancelled(line: CommandLine) -> None:
    line.json(*SEND)
    line.json("stream", "send", "codes", "380661231232", "--sender", "MyShop", "--text", "Your code is 9")

    assert line.json("stream", "pause", "codes") == {"name": "codes", "paused": True, "held": 2, "gone": 0}
    assert line.run("stream", "status", "codes") == ExitCode.OK
    assert line.output.splitlines()[0] == "Stream codes: paused"
    assert line.json("stream", "resume", "codes") == {"name": "codes", "paused": False, "unsent": 2}
    assert line.json("stream", "status", "codes")["paused"] is False
    assert line.json("stream", "cancel", "codes") == {"name": "codes", "cancelled": 2, "gone": 0}
    assert line.json("stream", "cancel", "codes") == {"name": "codes", "cancelled": 0, "gone": 0}
    assert line.json("stream", "status", "codes")["counts"]["cancelled"] == 2


def test_each_action_says_in_words_what_it_did(line: CommandLine) -> None:
    line.json(*SEND)

    assert line.run("stream", "pause", "codes") == ExitCode.OK
    assert line.output == "Paused: 1 message held. 0 messages had gone to BSG, where they go on.\n"
    assert line.run("stream", "resume", "codes") == ExitCode.OK
    assert line.output == "Resumed: 1 message to be sent.\n"
    assert line.run("stream", "cancel", "codes") == ExitCode.OK
    assert line.output.startswith("Cancelled: 1 message will not be sent. 0 messages had gone to BSG, or may have:")


def test_a_stream_is_explained_by_what_its_messages_wait_for(line: CommandLine) -> None:
    message_id = line.json(*SEND)["message_id"]
    batch = line.json("message", message_id)["batch"]

    assert line.run("explain", "codes") == ExitCode.OK
    stream, waiting, _, campaign, *lines = line.output.splitlines()
    assert stream == "Stream codes"
    assert waiting.startswith("  1 message to be sent, the oldest since ")
    assert f"{campaign.split()[1]}-0" == batch
    assert lines == [
        f"1 message in {batch}: ready, and in line for the rate limit (5/s).",
        "  The next free worker sends them.",
    ]


def test_a_paused_stream_is_explained_with_what_resumes_it(line: CommandLine) -> None:
    line.json(*SEND)
    line.run("stream", "pause", "codes")

    assert line.run("explain", "codes") == ExitCode.OK
    assert line.output.splitlines()[0] == "Stream codes: paused"
    assert "held by a pause." in line.output
    assert line.output.endswith("  `bsg-campaigns stream resume codes` lets them go on.\n")
    explained = line.json("explain", "codes")
    assert (explained["paused"], explained["waiting"], explained["open_campaigns"]) == (True, 1, 1)
    ((waits,),) = explained["campaigns"].values()
    assert (waits["reason"], waits["messages"]) == ("paused", 1)


def test_what_has_ended_is_not_explained(line: CommandLine) -> None:
    line.json(*SEND)
    line.run("stream", "cancel", "codes")
    line.run("stream", "pause", "codes")

    assert line.run("explain", "codes") == ExitCode.OK
    assert line.output.splitlines() == [
        "Stream codes: paused",
        "  0 messages to be sent.",
        "  What is accepted is held. `bsg-campaigns stream resume codes` lets it go on.",
    ]


def test_a_campaign_of_a_stream_is_explained_by_its_own_id(line: CommandLine) -> None:
    campaign_id = line.json("message", line.json(*SEND)["message_id"])["campaign_id"]

    assert line.run("explain", campaign_id) == ExitCode.OK
    assert line.output.startswith(f"Campaign {campaign_id} «codes»: sending\n")


def test_what_is_neither_a_campaign_nor_a_stream_is_misuse(line: CommandLine) -> None:
    assert line.run("explain", "codes") == ExitCode.MISUSE
    assert "there is no campaign codes" in line.errors


def test_streams_are_listed_the_newest_first_with_what_waits(line: CommandLine) -> None:
    line.json(*SEND)
    line.json("stream", "send", "orders", "380661231232", "--sender", "MyShop", "--text", "On its way")
    line.run("stream", "pause", "codes")
    line.run("stream", "cancel", "orders")

    assert line.run("stream", "list") == ExitCode.OK
    heading, orders, codes = line.output.splitlines()
    assert heading.split() == ["stream", "last", "campaign", "waiting", "oldest", "waiting"]
    assert (orders.split()[0], orders.split()[3:]) == ("orders", ["0"])
    assert (codes.split()[0], codes.split()[3], codes.split()[-1]) == ("codes", "1", "paused")
    assert len(codes.split()) == 7, "a time since which the oldest waits"


def test_as_many_streams_are_listed_as_are_asked_for(line: CommandLine) -> None:
    line.json(*SEND)
    line.json("stream", "send", "orders", "380661231232", "--sender", "MyShop", "--text", "On its way")

    assert line.json("stream", "list", "--limit", "1")["name"] == "orders"
    assert line.run("stream", "list", "--limit", "0") == ExitCode.MISUSE
    assert "'0' is not a number of streams: give 1 or more" in line.errors


@pytest.mark.parametrize("action", ["status", "pause", "resume", "cancel"])
def test_an_unknown_stream_is_misuse_and_the_nearest_is_named(line: CommandLine, action: str) -> None:
    assert line.run("stream", action, "codes") == ExitCode.MISUSE
    assert "NAME: there is no stream 'codes'. `bsg-campaigns stream list` shows" in line.errors
    line.json(*SEND)

    assert line.run("stream", action, "codse") == ExitCode.MISUSE
    assert line.errors == "bsg-campaigns: NAME: there is no stream 'codse'. Did you mean codes?\n"


@pytest.mark.parametrize("message_id", ["nothing", UNKNOWN])
def test_an_unknown_message_is_misuse(line: CommandLine, message_id: str) -> None:
    assert line.run("message", message_id) == ExitCode.MISUSE
    assert f"there is no message {message_id}: check it; it is forgotten" in line.errors


def test_a_stream_of_an_account_that_has_no_default_is_controlled(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BSG_API_KEY__MARKETING", "live_marketing")
    line.json(*SEND, "--account", "marketing")

    assert line.json("stream", "pause", "codes")["held"] == 1
    assert line.json("stream", "resume", "codes")["unsent"] == 1


def test_a_redis_that_does_not_respond_is_unreachable(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")

    for words in (SEND, ("stream", "list"), ("stream", "pause", "codes"), ("message", UNKNOWN)):
        assert line.run(*words) == ExitCode.UNREACHABLE
        assert "cannot be reached" in line.errors


def test_a_message_that_is_sent_names_bsgs_campaign_and_one_that_is_not_says_why(
    line: CommandLine, redis_url: str
) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        sent = line.json(*SEND)["message_id"]
        held_back = line.json("stream", "send", "codes", "380661231232", *SEND[4:])["message_id"]
        line.run("suppress", "380661231232")
        harness.dispatch()
        harness.dispatch()

    assert line.run("message", sent) == ExitCode.OK
    first, _, at_bsg, *_ = line.output.splitlines()
    assert first == f"Message {sent}: submitted"
    assert at_bsg.startswith(f"  BSG's campaign {line.json('message', sent)['bsg_campaign_id']}")
    assert line.run("message", held_back) == ExitCode.OK
    assert line.output.splitlines()[0] == f"Message {held_back}: rejected"
    assert "phone: on the list of phones that are never sent to (unsuppress) (suppressed)" in line.output


def test_a_stream_whose_cap_is_reached_is_not_resumed_and_the_remedy_is_named(
    line: CommandLine, redis_url: str
) -> None:
    message_id = line.json(*SEND, "--max-cost", "0.01")["message_id"]
    line.run("stream", "pause", "codes")
    campaign_id = line.json("message", message_id)["campaign_id"]
    connect(Settings.build(redis_url=redis_url)).hset(
        f"bsg:campaign:{campaign_id}", mapping={"cost": "1", "priced": "1"}
    )

    assert line.run("stream", "resume", "codes") == ExitCode.MISUSE
    assert "--max-cost: The campaign would be paused again at once: the next batch would pass" in line.errors
    assert "Give 2.00 or more, or none to send the rest whatever it costs." in line.errors
    assert line.json("stream", "resume", "codes", "--max-cost", "2")["paused"] is False


def test_a_stream_whose_days_cost_is_reached_says_until_when_it_is_held(line: CommandLine, redis_url: str) -> None:
    message_id = line.json(*SEND, "--max-cost-per-day", "0.01")["message_id"]
    campaign_id = line.json("message", message_id)["campaign_id"]
    midnight = 4_102_444_800_000  # 2100-01-01
    held: Mapping[Any, Any] = {"held_for": "max_cost_per_day", "held_until": midnight}
    connect(Settings.build(redis_url=redis_url)).hset(f"bsg:campaign:{campaign_id}", mapping=held)

    assert line.run("stream", "status", "codes") == ExitCode.OK
    assert "midnight (UTC): the next batch would pass max_cost_per_day 0.01, until 2100-01-01" in line.output
    assert line.run("explain", "codes") == ExitCode.OK
    assert "held until midnight (UTC), as the next batch would pass max_cost_per_day 0.01" in line.output
    assert "`bsg-campaigns stream resume codes --max-cost-per-day AMOUNT` sends them before" in line.output


def test_a_stream_whose_days_cost_is_reached_is_resumed_with_a_higher_one(line: CommandLine, redis_url: str) -> None:
    message_id = line.json(*SEND, "--max-cost-per-day", "0.01")["message_id"]
    campaign_id = line.json("message", message_id)["campaign_id"]
    client = connect(Settings.build(redis_url=redis_url))
    held: Mapping[Any, Any] = {"held_for": "max_cost_per_day", "held_until": 4_102_444_800_000}
    client.hset(f"bsg:campaign:{campaign_id}", mapping=held)
    client.hset("bsg:stream:codes", "message_price", "0.02")

    assert line.run("stream", "resume", "codes", "--max-cost-per-day", "0.01") == ExitCode.MISUSE
    assert "--max-cost-per-day: The campaign would be held again at once: the next batch would pass" in line.errors
    assert "Give 0.02 or more" in line.errors
    assert line.run("stream", "resume", "codes", "--max-cost-per-day", "much") == ExitCode.MISUSE
    assert line.run("stream", "resume", "codes", "--max-cost-per-day", "0.02") == ExitCode.OK

    assert line.run("stream", "status", "codes") == ExitCode.OK
    assert "midnight" not in line.output


@pytest.mark.parametrize("wrong", ["0", "-1", "nan", "1e30", "much"])
def test_what_is_no_amount_of_a_day_is_refused(line: CommandLine, wrong: str) -> None:
    assert line.run(*SEND, f"--max-cost-per-day={wrong}") == ExitCode.MISUSE
    assert "--max-cost-per-day: Not an amount of money" in line.errors


def test_bsgs_record_of_a_message_is_printed_on_request(
    line: CommandLine, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        for variable, value in harness.environment.items():
            monkeypatch.setenv(variable, value)
        message_id = line.json(*SEND)["message_id"]
        assert line.run("message", message_id, "--report") == ExitCode.OK
        assert line.output.splitlines()[-1] == "  BSG has no record of it"
        harness.dispatch()
        sandbox.advance(60)

        assert line.json("message", message_id, "--report")["report"]["status"] == "delivered"
        assert line.run("message", message_id, "--report") == ExitCode.OK
        assert "  BSG's record: delivered, " in line.output
        assert "12312" not in line.output
