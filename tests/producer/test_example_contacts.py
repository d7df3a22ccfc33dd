from __future__ import annotations

import csv
import importlib.util
from collections import Counter
from itertools import islice
from pathlib import Path
from types import ModuleType

from bsg_messages.rejects import RejectCode
from tests.producer.campaigns import prepared

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXT = "Hi {{ name }}, see you {{ day }} in {{ city }}"
# What a row of a CSV file cannot break with a template and a sender given, and what is only found later.
OUT_OF_REACH = {
    RejectCode.SUPPRESSED,  # by a list
    RejectCode.MISSING_SENDER,
    RejectCode.MISSING_TEXT,
    RejectCode.INVALID_TEXT,
    RejectCode.INVALID_TRANSLITERATE,  # the file has no such column
    RejectCode.NOT_A_MAPPING,
    RejectCode.UNPROCESSABLE,
    RejectCode.REFUSED_BY_BSG,
    RejectCode.DROPPED_BY_BSG,
    RejectCode.REFERENCE_ID_TAKEN,
}


def generator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("generate_contacts", EXAMPLES / "generate_contacts.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def contacts() -> list[dict[str, str]]:
    with (EXAMPLES / "contacts.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_the_committed_contacts_are_what_the_generator_writes() -> None:
    module = generator()
    written = [{column: row.get(column, "") for column in module.COLUMNS} for row in module.contacts()]

    assert contacts() == written
    assert len(written) == 25_000


def test_the_contacts_break_every_rule_that_a_row_can_break() -> None:
    rows = iter(contacts())
    codes: Counter[RejectCode] = Counter()
    sent = 0
    sizes = []
    while chunk := list(islice(rows, 10_000)):
        found = prepared(chunk, text=TEXT, sender="MyShop")
        codes.update(reject.code for reject in found.rejects)
        sent += sum(batch.size for batch in found.batches)
        sizes += [batch.size for batch in found.batches]

    assert set(codes) == set(RejectCode) - OUT_OF_REACH
    assert 50 <= codes.total() <= 70
    assert sent + codes.total() == 25_000
    assert len(sizes) > 3, "a second message to a phone makes a batch of its own"
