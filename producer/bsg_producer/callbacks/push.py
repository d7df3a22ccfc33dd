"""A request that pushes delivery reports: what WSGI and ASGI have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hmac import compare_digest
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from bsg_messages.errors import CampaignInvalid
from bsg_producer.errors import QueueNotDurable, QueueUnavailable

MAX_PUSH = 65_536
REPORTS_IN_A_PUSH = 1_000
MIN_SECRET_CHARACTERS = 16


class Refused(Exception):
    """The push is not recorded, and gets this status."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status
        super().__init__(status)


def check_secret(secret: str) -> None:
    """Raise ValueError for a secret that is easily guessed, or cannot be a segment of an address."""
    if len(secret) < MIN_SECRET_CHARACTERS or not re.fullmatch(r"[A-Za-z0-9_-]+", secret):
        raise ValueError(
            f"a secret of {MIN_SECRET_CHARACTERS} letters, digits, - and _ at least is needed: "
            "python -c 'import secrets; print(secrets.token_urlsafe())' prints one"
        )


@dataclass(frozen=True, slots=True)
class Push:
    """A request without its body. Its `length` is as the client writes it, "" without one."""

    path: str
    method: str
    query: str
    content_type: str
    length: str

    def check(self, secret: str) -> int | None:
        """Return the size of the body, or None if it is not known. Raise Refused, for which no body need be read."""
        # Only the last segment counts: servers and frameworks disagree on how much of the address is in the path.
        given = self.path.rpartition("/")[2]
        if not compare_digest(given.encode("utf-8", "replace"), secret.encode()):
            raise Refused(HTTPStatus.NOT_FOUND)
        if self.method not in ("GET", "POST"):
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED)
        if not self.length:
            return None
        if not re.fullmatch(r"[0-9]{1,20}", self.length):
            raise Refused(HTTPStatus.BAD_REQUEST)
        check_size(size := int(self.length))
        return size

    def reports(self, body: bytes) -> list[Mapping[str, Any]]:
        """Return the reports in the body or in the query. Raise Refused if there are none."""
        try:
            if "json" in self.content_type:
                found = json.loads(body)
            else:
                found = dict(parse_qsl(body.decode() or self.query, max_num_fields=50))
        except (ValueError, RecursionError):
            raise Refused(HTTPStatus.BAD_REQUEST) from None
        reports = found if isinstance(found, list) else [found]
        if not 0 < len(reports) <= REPORTS_IN_A_PUSH:
            raise Refused(HTTPStatus.BAD_REQUEST)
        return reports


def check_size(size: int) -> None:
    """Raise Refused for a body that is too large."""
    if size > MAX_PUSH:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


@contextmanager
def recording() -> Iterator[None]:
    """Raise Refused, with the status, for what `record_reports` raises."""
    try:
        yield
    except CampaignInvalid:
        raise Refused(HTTPStatus.BAD_REQUEST) from None
    except (QueueUnavailable, QueueNotDurable):
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE) from None
