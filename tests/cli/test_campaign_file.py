"""Reading CSV files as people have them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bsg_cli.campaign_file import CampaignFile
from bsg_cli.errors import BadInput


def read(tmp_path: Path, content: bytes | str) -> list[Mapping[str, str | int]]:
    path = tmp_path / "contacts.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with CampaignFile(path) as file:
        return list(file.messages())


@pytest.mark.parametrize("separator", [",", ";"])
def test_the_first_line_tells_the_separator(tmp_path: Path, separator: str) -> None:
    rows = read(tmp_path, f"phone{separator}name\n380661231231{separator}Zoë\n")
    assert rows == [{"phone": "380661231231", "name": "Zoë"}]


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_cells(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfphone,name\r\n380661231231,Ann\r\n") == [
        {"phone": "380661231231", "name": "Ann"}
    ]


def test_empty_cells_are_absent(tmp_path: Path) -> None:
    assert read(tmp_path, "phone,name,text\n380661231231,,  \n") == [{"phone": "380661231231"}]


def test_blank_lines_are_skipped(tmp_path: Path) -> None:
    assert len(read(tmp_path, "phone,name\n\n380661231231,Ann\n\n")) == 1


def test_a_cell_in_quotation_marks_may_have_separators_and_line_ends(tmp_path: Path) -> None:
    rows = read(tmp_path, 'phone,text\n380661231231,"one, two\nthree"\n')
    assert rows[0]["text"] == "one, two\nthree"


def test_a_tariff_code_is_a_number(tmp_path: Path) -> None:
    assert read(tmp_path, "phone,tariff_code\n380661231231,7\n")[0]["tariff_code"] == 7


def test_a_file_without_any_row_has_no_messages(tmp_path: Path) -> None:
    assert read(tmp_path, "phone,name\n") == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("phone,name\n1,a\n2,b,c\n", "line 3: 3 cells"),
        ("phone,name\n1,a\n2\n", "line 3: 1 cells"),
        ("tel,name\n1,a\n", "line 1: no column is named `phone`. Found: tel, name"),
        ("phone,name,name\n1,a,b\n", "line 1: named more than once: name"),
        ("phone,text,,\n1,a,,\n", "line 1: named more than once: (no name). Give each its name."),
        ("phone,text\r1,a\r", "line 1: not CSV"),
        ("", "line 1: no column names"),
        ("\nphone\n1\n", "line 1: no column names"),
        ('phone,name\n1,a\n2,"b\n3,c\n', "line 3: not CSV"),
        (b"phone,name\n1,a\n2,\xe9t\xe9\n", "line 3: not UTF-8"),
        ("phone,name\n1,a\n".encode("utf-16"), "line 1: not UTF-8"),
        ("phone,name\n1," + "x" * 200_000 + "\n", "line 2: not CSV"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, content: bytes | str, told: str) -> None:
    with pytest.raises(BadInput) as raised:
        read(tmp_path, content)
    assert str(raised.value).startswith(f"{tmp_path / 'contacts.csv'}, {told}")


def test_after_a_cell_of_several_lines_the_line_told_is_still_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="line 4: 1 cells"):
        read(tmp_path, 'phone,text\n1,"one\ntwo"\n2\n')


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        CampaignFile(tmp_path / name)


def test_a_file_is_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("phone,name\n1,a\n" + "2\n")
    with CampaignFile(path) as file:
        assert next(file.messages())["phone"] == "1"
