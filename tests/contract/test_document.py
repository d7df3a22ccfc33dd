"""BSG's OpenAPI document contradicts itself where KNOWN_ERRORS says so, and nowhere else that the sandbox needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import FormatChecker

from tests.contract.document import Document, raw_content
from tests.contract.known_errors import KNOWN_ERRORS, mended_content
from tests.contract.requests_by_operation import OPERATIONS

_NO_FORMATS = FormatChecker(formats=())


def examples(document: Document) -> Iterator[tuple[str, Any, Any]]:
    for operation in document.operations():
        if operation.name in OPERATIONS:
            yield from operation.examples()
    schemas = document.content["components"]["schemas"]
    report = schemas["RcsStatusCallback"]
    yield "RcsStatusCallback, example", report, report["example"]


def test_every_example_keeps_the_schemas_without_their_known_errors(bsg_document: None) -> None:
    document = Document(mended_content())

    wrong = [name for name, schema, value in examples(document) if document.errors(schema, value)]

    assert wrong == []


@pytest.mark.parametrize("name", KNOWN_ERRORS)
def test_each_known_error_is_one(bsg_document: None, name: str) -> None:
    location = KNOWN_ERRORS[name].location.split("/")[2:]
    raw: Any = raw_content()["components"]["schemas"]
    for segment in location:
        raw = raw.get(segment, {})

    assert raw != KNOWN_ERRORS[name].meant


def test_timestamps_are_no_date_times_in_the_examples(bsg_document: None) -> None:
    document = Document(mended_content())
    rfc3339 = FormatChecker(formats=("date-time",))
    campaign = document.content["components"]["schemas"]["CampaignSchema"]
    shown = {name: value for name, value in campaign["example"].items() if name != "created_at"}

    assert document.errors(campaign, shown | {"created_at": "2025-03-03 20:05:47"}, rfc3339) != []
    assert document.errors(campaign, shown | {"created_at": "2025-03-03 20:05:47"}, _NO_FORMATS) == []
