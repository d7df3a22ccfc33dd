"""What all the usual designs do with their messages: check them with marshmallow, post them with `requests`."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import requests
from marshmallow import EXCLUDE, Schema, fields, validate

from benchmarks.messages import SENDER
from benchmarks.provider import API_KEY, PATH


class _Message(Schema):
    class Meta:
        unknown = EXCLUDE

    phone = fields.Integer(required=True, strict=True, validate=validate.Range(10**8, 10**15 - 1))
    text = fields.String(required=True, validate=validate.Length(1, 765))


_schema = _Message(many=True)
_of_this_thread = threading.local()


def send(messages: Sequence[Mapping[str, Any]], reference_ids: Sequence[str]) -> None:
    """Raise marshmallow's ValidationError, and RequestException for whatever is no success."""
    rows = _schema.load(messages)
    for row, reference_id in zip(rows, reference_ids, strict=True):
        row["sender"], row["reference_id"] = SENDER, reference_id
    body = json.dumps({"messages": rows}, ensure_ascii=False, separators=(",", ":")).encode()
    _session().post(os.environ["PROVIDER_URL"] + PATH, data=body, timeout=(5, 60)).raise_for_status()


def _session() -> requests.Session:
    """One a thread, so that connections are kept."""
    session: requests.Session | None = getattr(_of_this_thread, "session", None)
    if session is None:
        session = _of_this_thread.session = requests.Session()
        session.headers.update({"X-API-KEY": API_KEY, "Content-Type": "application/json"})
    return session
