"""Requests and responses, and the two shapes of BSG's errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

OLD_STYLE_ERRORS = {
    0: "No errors",
    1: "Invalid key",
    2: "User is blocked",
    3: "Not enough parameters",
    4: "Function is not supported",
    5: "Unknown error",
    6: "No such tariff",
    7: "Invalid parameters",
    8: "Not enough funds",
    9: "Tariff is inactive",
    10: "Invalid sending time",
    11: "Too many messages are processed at once",
    12: "Package is too large",
    21: "Invalid phone",
    23: "SMS with this external id is already present",
    24: "Invalid payload",
    25: "Invalid originator",
    26: "Text is empty or too long",
    27: "Invalid external id",
    28: "Invalid validity",
    31: "Phone is already in the messaging list",
    32: "Sender is not allowed",
    33: "Direction is not allowed",
}

DUPLICATE_NOTICE = "Too many duplicate request detected"  # BSG: the one documented 429, of every POST
TOO_MANY_REQUESTS = "Too Many Attempts."
NO_ERRORS = {"error": 0, "errorDescription": "No errors"}


class Ending(StrEnum):
    """What happens to the connection when the response is due."""

    WHOLE = "whole"
    HALF = "half"
    CUT = "cut"
    SILENCE = "silence"
    ENDLESS = "endless"


@dataclass(frozen=True, slots=True)
class Head:
    """A request line and its headers. `path` has no query. The names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """A response, and how it is sent.

    `pause`: the seconds between the pieces of an endless response, or the seconds of a silence (0: until the client
    gives up).
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = Ending.WHOLE
    pause: float = 0.0


class Refused(Exception):
    """Ends the handling of a request with a response."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


def json_response(status: int, document: object, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON document."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": "application/json", **(headers or {})})


def message_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with `{"message": …}`, the newer shape of an error."""
    return json_response(status, {"message": message}, headers)


def invalid(errors: Mapping[str, list[str]] | list[str]) -> Response:
    """Return 422 with the errors by field. BSG: "The given data was invalid.", the newer shape of an error."""
    return json_response(422, {"message": "The given data was invalid.", "errors": errors})


def old_style(code: int, status: int = 200) -> Response:
    """Return `{"error": "<code>", "errorDescription": …}`, the older shape of an error."""
    description = OLD_STYLE_ERRORS.get(code, "Unknown error")
    return json_response(status, {"error": str(code), "errorDescription": description})


def parsed_object(body: bytes) -> dict[str, Any]:
    """Return a body's JSON object; {} for anything else, as BSG's framework does."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
