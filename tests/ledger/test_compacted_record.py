"""A record says what was written into it, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_ledger.compacted_record import CompactedRecord, Pages, lasting, page_bytes, page_rows

VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 10**20).map(str),
    st.sampled_from(["0", "007", "-1", "1.0", "0+1", "٣", "1700000000000"]),
)
ROWS = st.lists(st.dictionaries(st.sampled_from(["at", "size", "state", "statistics", "incomplete:7"]), VALUES))


@given(rows=ROWS, rejects=ROWS, accepted_at=st.integers(0, 2**45), name=VALUES)
def test_a_record_is_read_as_it_was_written(
    rows: list[dict[str, str]], rejects: list[dict[str, str]], accepted_at: int, name: str
) -> None:
    fields = {"accepted_at": str(accepted_at), "name": name, "deadline": "1700000000000"}
    record = CompactedRecord(fields, rows, (), rejects, {"events": Pages(3, [5, 1, 7])})

    read = CompactedRecord.from_bytes(record.to_bytes())

    assert (read.fields, list(read.batches), list(read.rejects)) == (fields, rows, rejects)
    assert read.pages == record.pages


@given(rows=ROWS, accepted_at=st.integers(0, 2**45))
def test_a_page_is_read_as_it_was_written(rows: list[dict[str, str]], accepted_at: int) -> None:
    assert page_rows(page_bytes(rows, accepted_at), accepted_at) == rows


@pytest.mark.parametrize("written", [b"", b"\x02", b"\x01", b"\x01{}", b"[]"])
def test_something_else_is_no_record(written: bytes) -> None:
    with pytest.raises(ValueError, match="not a compacted record"):
        CompactedRecord.from_bytes(written)


def test_a_record_whose_bytes_have_changed_is_not_read() -> None:
    written = bytearray(CompactedRecord({"accepted_at": "1", "name": "News"}).to_bytes())
    written[-6] ^= 1

    with pytest.raises(ValueError, match="not a compacted record"):
        CompactedRecord.from_bytes(bytes(written))


def test_what_only_workers_read_of_a_closed_campaign_is_left_out() -> None:
    fields = {
        "messages:pending": "0",
        "messages:finished": "2",
        "paused": "0",
        "pass": "4.000",
        "size": "0",
        "name": "",
    }

    assert lasting(fields) == {"messages:finished": "2", "size": "0"}
