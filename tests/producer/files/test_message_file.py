"""Reading CSV files as people have them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bsg_producer.errors import FileInvalid
from bsg_producer.files import MessageFile, Reading, international


def read(tmp_path: Path, content: bytes | str, *, text: str | None = None, **how: Any) -> list[Mapping[str, str | int]]:
    path = tmp_path / "contacts.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with MessageFile(path, Reading(**how), text=text) as file:
        return list(file)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_first_line_names_the_separator(tmp_path: Path, separator: str) -> None:
    rows = read(tmp_path, f"phone{separator}name\n380661231231{separator}Zoë\n")
    assert rows == [{"phone": "380661231231", "name": "Zoë"}]


def test_a_byte_order_mark_and_windows_line_ends_are_no_chunk_of_the_cells(tmp_path: Path) -> None:
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
    ("content", "message"),
    [
        ("phone,name\n1,a\n2,b,c\n", "line 3: 3 cells"),
        ("phone,name\n1,a\n2\n", "line 3: 1 cells, but line 1 names 2 columns, nothing for `name`"),
        ("tel,name\n1,a\n", "line 1: no column is named `phone`. Found: tel, name"),
        ("phone,name,name\n1,a,b\n", "line 1: named more than once: name"),
        ("phone,text,,\n1,a,,\n", "line 1: named more than once: (no name). Give each its name."),
        ("phone,text\r1,a\r", "line 1: not CSV"),
        ("", "line 1: no column names"),
        ("\nphone\n1\n", "line 1: no column names"),
        ('phone,name\n1,a\n2,"b\n3,c\n', "line 3: not CSV"),
        (b"phone,name\n1,a\n2,\xe9t\xe9\n", "line 3: not UTF-8"),
        ("phone,name\n1,a\n".encode("utf-16")[:-1], "line 2: not UTF-16-LE"),
        (b"phone,name\n1,\x98\xc0\n", "line 2: not UTF-8, and its encoding is not known"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "line 1: an old spreadsheet (.xls)"),
        (b"PK\x03\x04 is how archives begin", "line 1: not a whole .xlsx file"),
        ("phone,name\n1," + "x" * 200_000 + "\n", "line 2: not CSV"),
    ],
)
def test_what_is_wrong_is_reported_with_file_and_line(tmp_path: Path, content: bytes | str, message: str) -> None:
    with pytest.raises(FileInvalid) as raised:
        read(tmp_path, content)
    assert str(raised.value).startswith(f"{tmp_path / 'contacts.csv'}, {message}")


def test_after_a_cell_of_several_lines_the_line_reported_is_still_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(FileInvalid, match="line 4: 1 cells"):
        read(tmp_path, 'phone,text\n1,"one\ntwo"\n2\n')


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileInvalid, match="cannot be read"):
        MessageFile(tmp_path / name)


def test_a_file_is_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("phone,name\n1,a\n" + "2\n")
    with MessageFile(path) as file:
        assert next(iter(file))["phone"] == "1"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8-sig", b""),
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("utf-16-be", b"\xfe\xff"),
        ("cp1251", b""),
    ],
)
def test_the_encoding_is_known_from_the_file(tmp_path: Path, encoding: str, mark: bytes) -> None:
    rows = read(tmp_path, mark + "phone;name\r\n380661231231;Їжак № 1\r\n380661231232;Ґеля\r\n".encode(encoding))
    assert [row["name"] for row in rows] == ["Їжак № 1", "Ґеля"]


def test_western_text_is_not_taken_for_cyrillic(tmp_path: Path) -> None:
    content = "phone,name\n380661231231,Zoë\n".encode("cp1252")
    with pytest.raises(FileInvalid, match="line 2: not UTF-8, and its encoding is not known for sure"):
        read(tmp_path, content)
    assert read(tmp_path, content, encoding="cp1252")[0]["name"] == "Zoë"


def test_a_line_that_does_not_read_as_cyrillic_as_those_before_is_reported(tmp_path: Path) -> None:
    cyrillic = "".join(f"38066{number:07},Олена Петренко, Київ\n".replace(", К", " К") for number in range(5_000))
    content = ("phone,name\n" + cyrillic).encode("cp1251") + b"380661231231,Zo\xeb\n"
    with pytest.raises(FileInvalid, match="line 5002: the lines before read as Windows Cyrillic"):
        read(tmp_path, content)


def test_what_is_not_utf_8_far_behind_the_beginning_is_reported_with_its_line(tmp_path: Path) -> None:
    plain = "".join(f"38066{number:07},Olena\n" for number in range(10_000))
    with pytest.raises(FileInvalid, match="line 10002: not UTF-8"):
        read(tmp_path, ("phone,name\n" + plain).encode() + b"380661231231,\xff\n")


def test_a_character_between_two_chunks_is_whole(tmp_path: Path) -> None:
    rows = read(tmp_path, "phone,text\n380661231231," + "ї" * 100_000 + "\n")
    assert rows[0]["text"] == "ї" * 100_000


def test_separator_and_quotation_mark_can_be_given(tmp_path: Path) -> None:
    rows = read(tmp_path, "phone:text\n1:'a:b'\n", separator=":", quote="'")
    assert rows == [{"phone": "1", "text": "a:b"}]


def test_single_quotation_marks_around_all_names_are_those_of_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "'phone','text'\n'1','a, b'\n") == [{"phone": "1", "text": "a, b"}]


def test_separators_within_a_quoted_name_do_not_count(tmp_path: Path) -> None:
    assert read(tmp_path, '"a;b;c",phone\nx,1\n') == [{"a;b;c": "x", "phone": "1"}]


def test_the_line_by_which_spreadsheets_name_the_separator_is_understood(tmp_path: Path) -> None:
    assert read(tmp_path, "sep=;\r\nphone;name\r\n1;a,b\r\n") == [{"phone": "1", "name": "a,b"}]


def test_the_columns_of_a_message_are_known_whatever_their_case(tmp_path: Path) -> None:
    assert read(tmp_path, "Phone,Name\n1,a\n") == [{"phone": "1", "Name": "a"}]


@pytest.mark.parametrize("written", ["PHONE", " Phone ", "p h o n e", "Pho\u00a0ne"])
def test_the_names_of_columns_are_found_without_regard_to_case_and_blanks(tmp_path: Path, written: str) -> None:
    assert read(tmp_path, f"{written},Reference ID\n1,a\n") == [{"phone": "1", "reference_id": "a"}]


def test_the_fields_of_the_text_are_found_without_regard_to_case_and_blanks(tmp_path: Path) -> None:
    content = "Phone,First Name,CITY,Other Thing\n1,a,b,c\n"
    assert read(tmp_path, content, text="{{ first_name }} of {{ City }}") == [
        {"phone": "1", "first_name": "a", "City": "b", "Other Thing": "c"}
    ]


def test_a_column_that_has_exactly_the_name_is_the_one(tmp_path: Path) -> None:
    assert read(tmp_path, "Phone,phone,NAME,name\n1,2,a,b\n", text="{{ name }}") == [
        {"Phone": "1", "phone": "2", "NAME": "a", "name": "b"}
    ]


def test_two_columns_of_which_none_has_exactly_the_name_are_reported(tmp_path: Path) -> None:
    with pytest.raises(FileInvalid, match="line 1: which column is `phone`: PHONE, Phone\\? Rename the others"):
        read(tmp_path, "PHONE,Phone\n1,2\n")


def test_a_field_of_the_text_without_a_column_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileInvalid, match="line 1: no column is named `nmae`, which the text uses. Found: phone, name"):
        read(tmp_path, "phone,name\n1,a\n", text="Hi {{ nmae }}")
    assert len(read(tmp_path, "phone,name\n1,a\n", text="Hi {{ nmae | default('you') }}")) == 1


@pytest.mark.parametrize("written", ["380661231231", "+380 (66) 123-12-31", "066 123-12-31"])
def test_a_file_without_a_header_is_reported_and_shows_no_phone(tmp_path: Path, written: str) -> None:
    with pytest.raises(FileInvalid, match="line 1, column 2: a phone where the name of a column belongs") as raised:
        read(tmp_path, f"Ann,{written}\nBob,380661231232\n")
    assert "123" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("phone,name\n1,a\n2,b\0c\n", "line 3, column `name`: the control character U\\+0000"),
        ("phone,name\n1,\x1b[31m\n", "line 2, column `name`: the control character U\\+001B"),
        ("phone,name\n1,\x85\n", "line 2, column `name`: the control character U\\+0085"),
        ("phone,na\x07me\n1,a\n", "line 1, column 2: the name has the control character U\\+0007"),
    ],
)
def test_control_characters_are_reported_with_line_and_column(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(FileInvalid, match=message):
        read(tmp_path, content)


def test_blanks_that_nobody_sees_and_emoji_are_no_control_characters(tmp_path: Path) -> None:
    rows = read(tmp_path, "phone,name\n1,A\u00a0b\u200d👨\u200d👩 c\td\n")
    assert rows[0]["name"] == "A\u00a0b\u200d👨\u200d👩 c\td"


@pytest.mark.parametrize(
    "rows",
    [
        '380661231231,"Ann,Kyiv\n380661231232,Bob",Lviv\n',
        '380661231231,"Ann\n380661231232,Bob\n380661231233,Carl",Lviv\n',
        '380661231231,"Ann\r\n380661231232,""Bob""",Lviv\r\n',
    ],
)
def test_the_next_rows_phone_within_a_name_is_reported(tmp_path: Path, rows: str) -> None:
    with pytest.raises(FileInvalid, match="line 2, column `name`: the cell goes on over a line that looks like a row"):
        read(tmp_path, f"phone,name,city\n{rows}")


def test_a_phone_on_a_line_of_its_own_within_a_text_is_no_row(tmp_path: Path) -> None:
    text = "Call us:\n380441234567\n+380441234568, Mon-Fri"
    assert read(tmp_path, f'phone,text\n1,"{text}"\n')[0]["text"] == text


def test_a_mapped_column_is_found_without_regard_to_case_and_blanks(tmp_path: Path) -> None:
    assert read(tmp_path, "Mobile Phone,Name\n1,a\n", columns={"phone": "mobilephone"}) == [{"phone": "1", "Name": "a"}]


def test_a_mapped_column_takes_the_place_of_one_that_has_its_name(tmp_path: Path) -> None:
    assert read(tmp_path, "phone,Mobile\n1,2\n", columns={"phone": "Mobile"}) == [{"phone": "2"}]


def test_a_column_that_is_mapped_and_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(
        FileInvalid, match="line 1: no column is named 'Mobil', which is to be `phone`. Found: phone, Mobile"
    ):
        read(tmp_path, "phone,Mobile\n1,2\n", columns={"phone": "Mobil"})


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("066 123-12-31", "+380661231231"),
        ("661231231", "+380661231231"),
        ("380661231231", "+380661231231"),
        ("+48 601 234 567", "+48 601 234 567"),
        ("12", "12"),
        ("no phone", "no phone"),
    ],
)
def test_numbers_of_the_region_get_their_country_and_others_stay(tmp_path: Path, written: str, read_as: str) -> None:
    assert read(tmp_path, f"phone\n{written}\n", phone=international("ua")) == [{"phone": read_as}]


def test_a_region_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'XX' is not a region"):
        international("XX")
