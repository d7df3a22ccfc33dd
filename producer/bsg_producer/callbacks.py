"""A WSGI application that adds the delivery reports that BSG pushes to a campaign's `callback_url` to their feed.

    application = callbacks(producer, secret=os.environ["BSG_CALLBACK_SECRET"])

Mounted at /bsg, the `callback_url` is https://shop.example/bsg/SECRET, 100 characters at most. BSG pushes JSON by POST,
with the fields error, errorDescription, id, msisdn, reference, status, time_in, time_sent, time_dr, price, currency. A
form and a query with the same fields are taken too. BSG repeats a push that did not get 200, so that a report
may be in the feed more than once.
BSG: callback_url, delivery report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from bsg_messages.errors import CampaignInvalid
from bsg_producer.errors import QueueNotDurable, QueueUnavailable
from bsg_producer.producer import Producer

MAX_PUSH = 65_536
REPORTS_IN_A_PUSH = 1_000
MIN_SECRET_CHARACTERS = 16


class _NotAReport(Exception):
    """The request is not a delivery report."""


def callbacks(producer: Producer, *, secret: str) -> WSGIApplication:
    """Return the application. `secret` is the last segment of its address, and the only proof that BSG is the client.

    It responds with 200 once all reports are in their feed on disk: BSG repeats the push after anything else. It
    responds with 404 to another path, 405 to another method, 400 to a body that is not a report, 413 to one that is too
    large, and 503 if Redis does not store the reports. Raise ValueError for a secret that is easily guessed.

    >>> application = callbacks(producer, secret="k3Xw-1gH5_pQz8Lr2Vt9")  # a WSGI application
    >>> callbacks(producer, secret="123456")
    Traceback (most recent call last):
    ValueError: a secret of 16 letters, digits, - and _ at least is needed: ...
    """
    if len(secret) < MIN_SECRET_CHARACTERS or not re.fullmatch(r"[A-Za-z0-9_-]+", secret):
        raise ValueError(
            f"a secret of {MIN_SECRET_CHARACTERS} letters, digits, - and _ at least is needed: "
            "python -c 'import secrets; print(secrets.token_urlsafe())' prints one"
        )
    expected = f"/{secret}".encode()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status = _status(producer, expected, environ)
        start_response(status, [("Content-Length", "0")])
        return []

    return application


def _status(producer: Producer, expected: bytes, environ: WSGIEnvironment) -> str:
    if not compare_digest(str(environ.get("PATH_INFO", "")).encode("latin-1", "replace"), expected):
        return "404 Not Found"
    if environ["REQUEST_METHOD"] not in ("GET", "POST"):
        return "405 Method Not Allowed"
    try:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if size > MAX_PUSH:
            return "413 Content Too Large"
        reports = _reports(environ, environ["wsgi.input"].read(size) if size > 0 else b"")
    except (_NotAReport, ValueError, RecursionError):
        return "400 Bad Request"
    try:
        producer.record_reports(reports)
    except CampaignInvalid:
        return "400 Bad Request"
    except (QueueUnavailable, QueueNotDurable):
        return "503 Service Unavailable"
    return "200 OK"


def _reports(environ: WSGIEnvironment, body: bytes) -> list[Mapping[str, Any]]:
    if "json" in str(environ.get("CONTENT_TYPE", "")):
        found = json.loads(body)
    else:
        given = body.decode() or str(environ.get("QUERY_STRING", ""))
        found = dict(parse_qsl(given, max_num_fields=50))
    reports = found if isinstance(found, list) else [found]
    if not 0 < len(reports) <= REPORTS_IN_A_PUSH:
        raise _NotAReport
    return reports
