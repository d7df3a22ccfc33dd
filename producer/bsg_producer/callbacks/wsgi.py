"""The WSGI application that receives delivery reports."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from bsg_producer.callbacks.push import MAX_PUSH, Push, Refused, check_secret, check_size, recording
from bsg_producer.producer import Producer


def callbacks(producer: Producer, *, secret: str) -> WSGIApplication:
    """Return a WSGI application that receives the delivery reports that BSG pushes.

    `secret` is the last segment of its address, and the only proof that BSG is the client. It responds with 200 once
    all reports are in their feed on disk: BSG repeats the push after anything else. It responds with 404 to another
    address, 405 to another method, 400 to a body that is not a report, 413 to one that is too large, and 503 if Redis
    does not store the reports. Raise ValueError for a secret that is easily guessed.

    >>> application = callbacks(producer, secret="k3Xw-1gH5_pQz8Lr2Vt9")  # a WSGI application
    >>> callbacks(producer, secret="123456")
    Traceback (most recent call last):
    ValueError: a secret of 16 letters, digits, - and _ at least is needed: ...
    """
    check_secret(secret)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status = HTTPStatus.OK
        try:
            _record(producer, secret, environ)
        except Refused as refused:
            status = refused.status
        start_response(f"{status.value} {status.phrase}", [("Content-Length", "0")])
        return []

    return application


def _record(producer: Producer, secret: str, environ: WSGIEnvironment) -> None:
    push = Push(
        path=environ.get("PATH_INFO", ""),
        method=environ["REQUEST_METHOD"],
        query=environ.get("QUERY_STRING", ""),
        content_type=environ.get("CONTENT_TYPE", ""),
        length=environ.get("CONTENT_LENGTH", ""),
    )
    size = push.check(secret)
    reports = push.reports(_body(environ, size))
    with recording():
        producer.record_reports(reports)


def _body(environ: WSGIEnvironment, size: int | None) -> bytes:
    """Return the body. Without a size, read only from a server that says where the body ends."""
    if size is None and not environ.get("wsgi.input_terminated"):
        return b""
    body: bytes = environ["wsgi.input"].read(MAX_PUSH + 1 if size is None else size)
    check_size(len(body))
    if size is not None and len(body) < size:  # the client left: the beginning of a report may look like a whole one
        raise Refused(HTTPStatus.BAD_REQUEST)
    return body
