"""`send --dry-run`: what would be sent, by the checks of a worker, with nothing sent or stored and no Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_config.settings_table import SETTINGS
from bsg_sandbox.server import Sandbox

GOOD = "+380 66 123-12-31"


class DryRun:
    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._directory = directory
        self._capsys = capsys
        self.output = ""
        self.errors = ""

    def run(self, content: str, *words: str) -> int:
        path = self._directory / "contacts.csv"
        path.write_text(content, encoding="utf-8")
        code = main(["send", str(path), "--sender", "MyShop", "--dry-run", *words])
        self.output, self.errors = self._capsys.readouterr()
        return code

    def json(self, content: str, *words: str) -> dict[str, Any]:
        assert self.run(content, *words, "--json") == ExitCode.OK, self.errors
        summary: dict[str, Any] = json.loads(self.output)
        return summary


@pytest.fixture
def dry_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> DryRun:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.chdir(tmp_path)
    return DryRun(tmp_path, capsys)


def test_rejects_are_counted_by_reason_and_reported_with_their_lines(dry_run: DryRun) -> None:
    summary = dry_run.json(
        f'phone,name\n{GOOD},Ann\n12,Bob\n\n+380661231232,"two\nlines"\nx,Eve\n', "--text", "Hi {{ name }}"
    )
    assert (summary["accepted"], summary["sent"], summary["rejected"]) == (4, 2, {"invalid_phone": 2})
    assert [reject["line"] for reject in summary["first_rejects"]] == [3, 7]


def test_segments_are_counted_by_alphabet_with_the_characters_that_force_it(dry_run: DryRun) -> None:
    summary = dry_run.json(f"phone,text\n{GOOD},{'a' * 161}\n+380661231232,Привіт\n+380661231233,Їжак\n")
    assert summary["segments"] == {"gsm7": {"messages": 1, "segments": 2}, "ucs2": {"messages": 2, "segments": 2}}
    assert summary["ucs2_characters"]["Ї"] == 1
    assert "a" not in summary["ucs2_characters"]


def test_batches_and_the_least_duration_follow_the_settings(dry_run: DryRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGN_BATCH_SIZE", "10")
    monkeypatch.setenv("BSG_RATE_LIMIT", "30/m")
    rows = "".join(f"38066{number:07}\n" for number in range(41))
    summary = dry_run.json("phone\n" + rows, "--text", "Hi")
    assert (summary["batches"], summary["seconds_at_least"]) == (5, 8.0)


def test_the_same_message_twice_is_one_reject(dry_run: DryRun) -> None:
    assert dry_run.json(f"phone\n{GOOD}\n{GOOD}\n", "--text", "Hi")["rejected"] == {"duplicate": 1}
    assert dry_run.json(f"phone\n{GOOD}\n{GOOD}\n", "--text", "Hi", "--allow-duplicates")["rejected"] == {}


def test_it_needs_no_redis_and_shows_no_phone_and_no_text(dry_run: DryRun) -> None:
    assert dry_run.run("phone,name\n+380 50 777-77-77,Ann\n12,Bob\n", "--text", "Secret {{ name }}") == ExitCode.OK
    assert "Nothing was sent or stored. 2 messages of" in dry_run.output
    assert "line 3: phone: not an international phone number" in dry_run.output
    for contents in ("Secret", "Ann", "777", "38050"):
        assert contents not in dry_run.output + dry_run.errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--text", "Hi {{ name"), "text:"),
        (("--validity", "1000", "--text", "Hi"), "validity:"),
        (("--text", "Hi", "--map", "phone"), "'phone' maps nothing"),
        (("--text", "Hi", "--map", "phone=a", "--map", "phone=b"), "--map: the name 'phone' is given twice"),
        (("--text", "Hi", "--region", "Ukraine"), "'Ukraine' is not a region"),
        (("--text", "Hi", "--encoding", "hex"), "'hex' is not a text encoding"),
        (("--text", "Hi", "--delimiter", "::"), "'::' is not one sign"),
        (("--text", "Hi", "--watch"), "not allowed with"),
    ],
)
def test_bad_input_is_reported_as_it_is_by_send(dry_run: DryRun, words: tuple[str, ...], message: str) -> None:
    assert dry_run.run(f"phone,name\n{GOOD},Ann\n", *words) == ExitCode.MISUSE
    assert message in dry_run.errors
    assert dry_run.output == ""


def test_how_a_file_is_read_is_reported_where_it_was_found_out(dry_run: DryRun, tmp_path: Path) -> None:
    path = tmp_path / "cyrillic.csv"
    path.write_bytes("phone;name\n380661231231;Їжак\n".encode("cp1251"))
    assert main(["send", str(path), "--sender", "S", "--text", "Hi", "--dry-run"]) == ExitCode.OK
    assert "cyrillic.csv: read as cp1251, separated by semicolon" in dry_run._capsys.readouterr().err


def test_a_dry_run_of_which_all_is_rejected_fails(dry_run: DryRun) -> None:
    assert dry_run.run("phone\n12\n13\n", "--text", "Hi") == ExitCode.FAILED
    assert "rejected     2" in dry_run.output


def test_a_short_sender_is_a_warning(dry_run: DryRun) -> None:
    assert dry_run.run(f"phone\n{GOOD}\n", "--text", "Hi", "--sender", "MS") == ExitCode.OK
    assert "Warning: sender 'MS': it has fewer than 3 characters" in dry_run.output


@pytest.fixture
def sandbox(redis_url: str, monkeypatch: pytest.MonkeyPatch, dry_run: DryRun) -> Iterator[Sandbox]:
    with Sandbox(price_per_segment=0.25) as sandbox:
        monkeypatch.setenv("REDIS_URL", redis_url)
        monkeypatch.setenv("BSG_BASE_URL", sandbox.url)
        monkeypatch.setenv("BSG_API_KEY", "live_sandbox")
        yield sandbox


def test_the_price_is_bsgs_for_texts_of_each_length_and_alphabet(dry_run: DryRun, sandbox: Sandbox) -> None:
    rows = f"{GOOD},Hi\n+380661231232,Ho\n+380661231233,{'a' * 161}\n+380661231234,Привіт\n12,Hi\n"
    summary = dry_run.json(f"phone,text\n{rows}", "--price")

    assert float(summary["price"]["amount"]) == pytest.approx(5 * 0.25)
    assert (summary["price"]["currency"], summary["price"]["requests"]) == ("EUR", 3)
    assert sandbox.record().messages == 0
    assert dry_run.run(f"phone,text\n{rows}", "--price") == ExitCode.OK
    assert "It would cost" in dry_run.output


def test_a_price_that_bsg_does_not_report_is_a_failure_that_says_so(dry_run: DryRun, sandbox: Sandbox) -> None:
    sandbox.fault("server_error_before", method="POST", path="/api/campaigns/price")

    assert dry_run.run(f"phone,text\n{GOOD},Hi\n", "--price") == ExitCode.UNREACHABLE
    assert "--price: BSG did not report the price" in dry_run.errors


def test_a_sender_that_bsg_has_not_registered_is_a_warning(dry_run: DryRun, sandbox: Sandbox) -> None:
    sandbox.put_account("live_sandbox", senders=[{"sender": "OtherShop", "status": "active", "country": "UA"}])

    (warning,) = dry_run.json(f"phone,text\n{GOOD},Hi\n")["warnings"]
    assert warning.startswith("sender 'MyShop': BSG has not registered it")


def test_a_suppressed_phone_counts_as_rejected(dry_run: DryRun, sandbox: Sandbox) -> None:
    assert main(["suppress", GOOD]) == ExitCode.OK
    dry_run._capsys.readouterr()

    summary = dry_run.json(f"phone,text\n{GOOD},Hi\n+380661231232,Hi\n")
    assert (summary["sent"], summary["rejected"]) == (1, {"suppressed": 1})


def test_a_price_is_asked_for_in_a_dry_run_alone(dry_run: DryRun, tmp_path: Path) -> None:
    (tmp_path / "contacts.csv").write_text(f"phone,text\n{GOOD},Hi\n", encoding="utf-8")

    assert main(["send", str(tmp_path / "contacts.csv"), "--sender", "MyShop", "--price"]) == ExitCode.MISUSE
