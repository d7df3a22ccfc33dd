"""A producer's journal: what its tries came to, a kill in the middle of one included."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.journal import Enqueued, Entry, Journal, Word, enqueued


def tries(*words: Word) -> Enqueued:
    return enqueued([Entry(0, word, "c" if word == "receipt" else "") for word in words])[0]


def test_lines_are_read_back_and_a_torn_one_counts_as_not_written(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.note(0, "trying")
    journal.note(0, "receipt", "c")
    with path.open("a") as torn:
        torn.write('{"number": 1, "wo')

    assert journal.entries() == [Entry(0, "trying"), Entry(0, "receipt", "c")]


def test_a_receipt_after_failures_is_a_receipt() -> None:
    summed = tries("trying", "unavailable", "trying", "unconfirmed", "trying", "receipt")

    assert (summed.receipt, summed.tries, summed.given_up) == ("c", 3, False)


@pytest.mark.parametrize(
    ("words", "certain"),
    [
        (("trying", "unavailable", "given up"), True),
        (("trying", "unavailable", "trying", "unavailable"), True),
        (("trying", "unconfirmed", "given up"), False),
        (("trying",), False),
        (("trying", "given up"), False),
        (("trying", "trying", "unavailable"), False),
    ],
)
def test_only_when_every_try_failed_for_sure_the_campaign_surely_does_not_exist(
    words: tuple[Word, ...], certain: bool
) -> None:
    assert tries(*words).certain_that_none is certain
