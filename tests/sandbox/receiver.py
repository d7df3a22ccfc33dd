"""A web app that takes delivery reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Receiver:
    """A web app that keeps what is pushed to it, and responds with the statuses in turn, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.pushed: list[dict[str, Any]] = []
        self.seen: list[tuple[str, str | None]] = []
        self.url = ""


@contextmanager
def receiver(*statuses: int) -> Iterator[Receiver]:
    kept = Receiver(*statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.seen.append((self.path, self.headers["Content-Type"]))
            kept.pushed.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status = kept.statuses.pop(0) if kept.statuses else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        kept.url = f"http://127.0.0.1:{server.server_port}/reports"
        yield kept
        server.shutdown()
