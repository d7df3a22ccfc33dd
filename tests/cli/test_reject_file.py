"""`rejects --csv`: a file that is mended and sent again as it is, and does no harm in a spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_config.settings import Settings
from bsg_config.settings_table import SETTINGS
from bsg_producer.files.csv_rows import escaped, unescaped
from bsg_worker.runtime import build
from tests.worker.harness import prepare_next

CONTACTS = 'phone,name,note\n+380661231231,Ann,a\n12,Bob,=1+1\n\n+380661231232,"Eve\nLin",b\nx,Zoë,"-a, b"\n'
SEND = ("--sender", "MyShop", "--text", "Hi {{ name }}")


class Rejects:
    def __init__(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self._capture = capfdbinary
        self.output = b""
        self.errors = ""

    def run(self, *words: str) -> int:
        code = main(words)
        self.output, errors = self._capture.readouterr()
        self.errors = errors.decode()
        return code

    def sent(self, *words: str) -> str:
        assert self.run("send", "contacts.csv", *SEND, *words) == ExitCode.OK, self.errors
        campaign = self.output.decode().split()[-1]
        prepare_next(build(Settings.from_environment()), campaign)
        return campaign

    @property
    def rows(self) -> list[dict[str, str]]:
        assert self.output.startswith(b"\xef\xbb\xbf")
        return list(csv.DictReader(io.StringIO(self.output.decode("utf-8-sig"), newline="")))


@pytest.fixture
def rejects(
    tmp_path: Path, redis_url: str, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Rejects:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("BSG_API_KEY", "live_test")
    monkeypatch.chdir(tmp_path)
    Path("contacts.csv").write_text(CONTACTS, encoding="utf-8")
    return Rejects(capfdbinary)


def test_the_rejected_rows_come_whole_with_their_lines_and_reasons(rejects: Rejects) -> None:
    campaign = rejects.sent()
    assert rejects.run("rejects", campaign, "--csv", "--file", "contacts.csv") == ExitCode.OK, rejects.errors
    first, second = rejects.rows
    assert (first["phone"], first["name"], first["reject_line"], first["reject_code"]) == (
        "12",
        "Bob",
        "3",
        "invalid_phone",
    )
    assert (second["phone"], second["name"], second["reject_line"]) == ("x", "Zoë", "7")
    assert "international phone number" in second["reject_reason"]


def test_no_cell_is_a_formula(rejects: Rejects) -> None:
    campaign = rejects.sent()
    rejects.run("rejects", campaign, "--csv", "--file", "contacts.csv")
    assert [row["note"] for row in rejects.rows] == ["'=1+1", "'-a, b"]


def test_what_was_mended_is_sent_as_the_file_stands(rejects: Rejects) -> None:
    campaign = rejects.sent()
    rejects.run("rejects", campaign, "--csv", "--file", "contacts.csv")
    mended = rejects.output.replace(b"12,Bob", b"'+380661231233,Bob").replace(b"x,Zo", b"380661231234,Zo")
    Path("contacts.csv").write_bytes(mended)
    again = rejects.sent()
    assert rejects.run("rejects", again) == ExitCode.OK
    assert rejects.output == b""


def test_without_the_file_there_is_what_the_ledger_keeps(rejects: Rejects) -> None:
    campaign = rejects.sent()
    assert rejects.run("rejects", campaign, "--csv") == ExitCode.OK
    assert [(row["index"], row["phone"], row["code"]) for row in rejects.rows] == [
        ("1", "12", "invalid_phone"),
        ("3", "x", "invalid_phone"),
    ]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (CONTACTS + "380661231235,Kim,c\n", "5 rows, but the campaign has 4 messages"),
        (CONTACTS.replace("12,Bob", "13,Bob"), "line 3: not the phone that was sent"),
        ("phone\n1\n", "1 rows, but the campaign has 4 messages"),
    ],
)
def test_another_file_is_refused_before_anything_is_printed(rejects: Rejects, other: str, message: str) -> None:
    campaign = rejects.sent()
    Path("other.csv").write_text(other)
    assert rejects.run("rejects", campaign, "--csv", "--file", "other.csv") == ExitCode.MISUSE
    assert message in rejects.errors
    assert rejects.output == b""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--csv", "--json"), "--csv: not together with --json"),
        (("--file", "contacts.csv"), "--file: only with --csv"),
        (("--csv", "--file", "-"), "--file: standard input cannot be read twice"),
        (("--csv", "--file", "missing.csv"), "missing.csv: cannot be read"),
    ],
)
def test_misuse_is_reported(rejects: Rejects, words: tuple[str, ...], message: str) -> None:
    assert rejects.run("rejects", rejects.sent(), *words) == ExitCode.MISUSE
    assert message in rejects.errors


@given(st.text(max_size=20) | st.text(alphabet="'=+-@\t\ra", max_size=5))
def test_a_cell_is_never_a_formula_and_reads_as_it_was(cell: str) -> None:
    assert unescaped(escaped(cell)) == cell
    assert not escaped(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
