"""CSV files from anywhere: rows, or a complaint with the line; never more in memory than one row may have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_producer.errors import FileInvalid
from bsg_producer.files import MessageFile
from bsg_producer.files.csv_rows import MAX_ROW

PIECES = st.sampled_from(
    [b"phone", b",", b";", b'"', b"\n", b"\r\n", b"\r", b"\0", b"380661231231", b"\xef\xbb\xbf", b"\xff"]
    + [b"\xff\xfe", b"p\0h\0o\0n\0e\0", b"\0p\0h\0o\0n\0e", b"sep=;", b"'", b"\t", b"|", b"\xbf\xe6\xe0\xea", b"\x98"]
    + [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"]
)
GIGABYTE = 1 << 30
BOUND = 64 << 20
READ_ALL = """
import resource, sys
from pathlib import Path
from bsg_producer.files import MessageFile
from bsg_producer.errors import FileInvalid
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    with MessageFile(Path(sys.argv[1])) as file:
        for _ in file:
            pass
except FileInvalid as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10)
"""


@given(content=st.lists(PIECES | st.binary(max_size=4), max_size=30).map(b"".join), headed=st.booleans())
def test_any_file_is_read_or_complained_of_with_its_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, headed: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"phone,name\n" * headed + content)

    try:
        with MessageFile(path) as file:
            rows = list(file)
    except FileInvalid as error:
        assert str(error).startswith(f"{path}, line ")
        assert len(str(error)) < 1_000
    else:
        assert all(set(row) <= set(file.columns) for row in rows)


def lines(path: Path, kind: str) -> Path:
    with path.open("wb") as file:
        if kind == "one line of a gigabyte":
            file.write(b"phone\n1")
            file.truncate(GIGABYTE)
        elif kind == "a head of a gigabyte":
            file.write(b"phone,")
            file.truncate(GIGABYTE)
        else:
            file.write(b"phone,text\n")
            file.writelines(b'1,"x\n",' for _ in range(1 << 20))
    return path


@pytest.mark.parametrize("kind", ["one line of a gigabyte", "a head of a gigabyte", "one row over a million lines"])
def test_a_bomb_is_refused_early_and_without_holding_it(tmp_path: Path, kind: str) -> None:
    path = lines(tmp_path / "bomb.csv", kind)

    read = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(path)], capture_output=True, text=True, check=True, timeout=90
    )

    complaint, more_memory = read.stdout.splitlines()
    assert f"a row of more than {MAX_ROW} characters" in complaint
    assert int(more_memory) < BOUND
    path.unlink()


def test_a_device_without_an_end_is_refused() -> None:
    with pytest.raises(FileInvalid, match="a row of more than"):
        MessageFile(Path("/dev/zero"))


def test_a_head_of_a_thousand_columns_is_not_repeated_whole(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"column{number}" for number in range(1_000)) + "\n")

    with pytest.raises(FileInvalid, match="no column is named `phone`") as raised:
        MessageFile(path)

    assert len(str(raised.value)) < 600
