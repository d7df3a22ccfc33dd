"""Write a task as Celery does, without Celery: message protocol 2 in the options of kombu's Redis transport.

Celery needs a millisecond of CPU time to publish a task, and is half of a web app's imports. A test compares these
messages with Celery's own.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from uuid import uuid4

_NO_FOLLOW_UPS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def task_message(task: str, args: Sequence[str], queue: str) -> bytes:
    """Return the message that LPUSH adds to the queue."""
    task_id = str(uuid4())
    body = json.dumps([args, {}, _NO_FOLLOW_UPS]).encode()
    message = {
        "body": b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task,
            "id": task_id,
            "shadow": None,
            "eta": None,
            "expires": None,
            "group": None,
            "group_index": None,
            "retries": 0,
            "timelimit": [None, None],
            "root_id": task_id,
            "parent_id": None,
            "argsrepr": repr(list(args)),
            "kwargsrepr": "{}",
            "origin": "wake-up",
            "ignore_result": None,
            "replaced_task_nesting": 0,
            "stamped_headers": None,
            "stamps": {},
        },
        "properties": {
            "correlation_id": task_id,
            "reply_to": "",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }
    return json.dumps(message).encode()
