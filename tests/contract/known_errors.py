"""The errors of BSG's document itself: where a schema contradicts the document's own examples, or another part of it.

Each has a name, the schema, what it should be, and the reason. `test_document.py` proves that each is still an error.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.contract.document import raw_content

_SCHEMAS = "components/schemas"
_TEXT = {"type": "string", "nullable": True}


@dataclass(frozen=True)
class KnownError:
    """A schema that is not what the document means, and what is."""

    location: str
    meant: Mapping[str, Any]
    reason: str


KNOWN_ERRORS: Mapping[str, KnownError] = {
    "the errors of a price are no array": KnownError(
        f"{_SCHEMAS}/CampaignPrice422Response/properties/errors",
        {"oneOf": [{"type": "array"}, {"type": "object"}]},
        "the example invalid_data of POST /api/campaigns/price has an object",
    ),
    "a campaign without other channels has an empty array": KnownError(
        f"{_SCHEMAS}/DetailCampaignSchemaAlternativeChannels",
        {"oneOf": [{"type": "array", "maxItems": 0}, {"type": "object"}]},
        "the example of GET /api/campaigns/{id}/detail has [] where the schema asks for an object",
    ),
    "a campaign that is read has no currency": KnownError(
        f"{_SCHEMAS}/CampaignSchema/properties/currency",
        _TEXT,
        "the examples of GET /api/campaigns/{id} and of the stop have null",
    ),
    "a campaign has other channels": KnownError(
        f"{_SCHEMAS}/CampaignSchema/properties/alternative_channels",
        {"type": "object", "nullable": True},
        "every example of a campaign has them, the schema does not",
    ),
    "a start is no validity": KnownError(
        f"{_SCHEMAS}/SmsSendIndividualRequest/properties/start_at",
        {"type": "string", "format": "date-time"},
        "the schema is a copy of validity's, the example full has a date",
    ),
    "a message need not have a reference id": KnownError(
        f"{_SCHEMAS}/MessageApiSchema/properties/reference_id",
        _TEXT,
        "the example of GET /api/messages has null",
    ),
    "a sender of all countries has none": KnownError(
        f"{_SCHEMAS}/SenderSchema/properties/country",
        _TEXT,
        "nullable stands beside allOf without a type, where OpenAPI 3.0.3 gives it no effect",
    ),
    "the id in a report is text": KnownError(
        f"{_SCHEMAS}/RcsStatusCallback/properties/id",
        {"type": "string"},
        "the schema's own example has text",
    ),
    "a job's sender is no source": KnownError(
        f"{_SCHEMAS}/CreateJobParams/properties/sender",
        {"type": "string"},
        "the schema is a copy of source's, next to it",
    ),
}
# By the schema's name: what a response need not have.
OPTIONAL: Mapping[str, frozenset[str]] = {
    "MessageApiSchema": frozenset({"rcs_options", "alternative_channels"}),  # of other channels than SMS
    "StatJobsCreate200Response": frozenset({"key", "errorDescription"}),  # the one or the other
    "StatJobsDelete200Response": frozenset({"key"}),  # no example has it
    "StoplistSearchMeta": frozenset({"search"}),  # when nothing was searched for
}


@cache
def strict_content() -> Mapping[str, Any]:
    """Return the document without its known errors, and with closed schemas.

    It says of nearly no property of a response that it is required, and of none that there are no others: an empty
    object would keep it. What it names has to be there, and what it does not name must not.
    """
    content = copy.deepcopy(raw_content())
    for error in KNOWN_ERRORS.values():
        *parents, name = error.location.split("/")
        schema: Any = content
        for parent in parents:
            schema = schema[parent]
        schema[name] = error.meant
    for name, schema in content["components"]["schemas"].items():
        if "properties" in schema:
            schema["additionalProperties"] = False
            schema["required"] = sorted(set(schema["properties"]) - OPTIONAL.get(name, frozenset()))
    return content


@cache
def mended_content() -> Mapping[str, Any]:
    """Return the document without its known errors."""
    strict, raw = strict_content(), raw_content()["components"]["schemas"]
    content = copy.deepcopy(dict(strict))
    for name, schema in content["components"]["schemas"].items():
        for keyword in ("additionalProperties", "required"):
            schema.pop(keyword, None)
            if keyword in raw[name]:
                schema[keyword] = raw[name][keyword]
    return content
