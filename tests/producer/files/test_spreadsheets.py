"""Reading sheets as spreadsheet programs write them, and those that nobody should read."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bsg_producer.errors import FileInvalid
from bsg_producer.files import MessageFile, Reading


def spreadsheet(path: Path, rows: Sequence[tuple[Any, ...]], title: str = "Contacts") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.create_sheet("Other").append(["phone", "from"])
    book["Other"].append([380661231239, "the other sheet"])
    book.save(path)
    return path


def rewritten(path: Path, part: str, content: str | bytes) -> Path:
    """Return the same file with one of its parts replaced."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = content.encode() if isinstance(content, str) else content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in parts.items():
            archive.writestr(name, each)
    return path


def read(path: Path, **how: Any) -> list[Mapping[str, str | int]]:
    with MessageFile(path, Reading(**how)) as file:
        return list(file)


def test_cells_are_read_as_texts_and_numbers_without_a_fraction(tmp_path: Path) -> None:
    path = spreadsheet(
        tmp_path / "c.xlsx",
        [
            ("phone", "name", "due", "sum", "tariff_code"),
            (380661231231, "Їжак", datetime(2026, 12, 1), 12.5, 3),
            (380661231232.0, None, datetime(2026, 12, 1, 9, 30), 7.0, None),
        ],
    )
    assert read(path) == [
        {"phone": "380661231231", "name": "Їжак", "due": "2026-12-01", "sum": "12.5", "tariff_code": 3},
        {"phone": "380661231232", "due": "2026-12-01 09:30:00", "sum": "7"},
    ]


def test_rows_without_anything_are_skipped_and_the_lines_stay_those_of_the_sheet(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path / "c.xlsx", [("phone",), (1,), (), (None, None), (2,), (3, "stray")])
    with MessageFile(path) as file:
        messages = iter(file)
        assert [next(messages)["phone"], next(messages)["phone"]] == ["1", "2"]
        assert file.line == 5
        with pytest.raises(FileInvalid, match="line 6: 2 cells, but line 1 names 1 columns"):
            next(messages)


def test_the_first_sheet_is_read_unless_another_is_named(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path / "c.xlsx", [("phone",), (1,)])
    assert read(path) == [{"phone": "1"}]
    assert read(path, sheet="Other") == [{"phone": "380661231239", "from": "the other sheet"}]
    with pytest.raises(FileInvalid, match="no sheet is named 'Third'. Found: Contacts, Other"):
        read(path, sheet="Third")


def test_an_error_of_the_spreadsheet_is_sent_to_nobody(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path / "c.xlsx", [("phone", "name"), (1, "a"), (2, "#N/A")])
    with pytest.raises(FileInvalid, match="line 3: a cell has an error"):
        read(path)


def test_a_spreadsheet_comes_through_a_pipe_as_well(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path / "c.xlsx", [("phone", "text"), (380661231231, "Hi")])
    done = subprocess.run(
        ["sh", "-c", f"cat {path} | {sys.executable} -m bsg_cli send - --sender S --dry-run"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 message of standard input" in done.stdout


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path / "bomb.xlsx", [("phone",)])
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/worksheets/x.xml", "w") as part,
    ):
        for _ in range(600):
            part.write(bytes(1 << 20))
    assert path.stat().st_size < 4 << 20
    with pytest.raises(FileInvalid, match="line 1: it would unpack to more"):
        read(path)


def test_entities_that_grow_are_refused(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    path = spreadsheet(tmp_path / "c.xlsx", [("phone",), ("laughs",)])
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    bomb = f'<!DOCTYPE worksheet [<!ENTITY l0 "ha">{laughs}]>' + sheet.replace("laughs", "&l11;")
    with pytest.raises(FileInvalid, match="line 1: not a spreadsheet that can be read"):
        read(rewritten(path, "xl/worksheets/sheet1.xml", bomb))


def test_a_row_far_beyond_the_last_ends_the_reading(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path / "c.xlsx", [("phone",), ("1",)])
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    far = rewritten(path, "xl/worksheets/sheet1.xml", sheet.replace('r="2"', 'r="99999999999"'))
    with pytest.raises(FileInvalid, match="line 1048577: beyond the last row"):
        read(far)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
@pytest.mark.parametrize("content", [b"", b"<", b"<a/>", bytes(100)])
def test_a_spreadsheet_with_a_broken_part_is_read_or_refused(tmp_path: Path, part: str, content: bytes) -> None:
    path = rewritten(spreadsheet(tmp_path / "c.xlsx", [("phone", "name"), ("1", "a")]), part, content)
    with suppress(FileInvalid):
        assert read(path) == [{"phone": "1", "name": "a"}]


def test_every_cut_of_a_spreadsheet_is_refused(tmp_path: Path) -> None:
    whole = spreadsheet(tmp_path / "c.xlsx", [("phone",), ("1",)]).read_bytes()
    cut = tmp_path / "cut.xlsx"
    for length in range(4, len(whole), 97):
        cut.write_bytes(whole[:length])
        with pytest.raises(FileInvalid):
            read(cut)


def test_a_file_that_is_a_spreadsheet_by_its_name_alone_is_read_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "c.xlsx"
    path.write_bytes(b"phone\n1\n")
    assert read(path) == [{"phone": "1"}]
