"""A server on loopback that takes what Sentry's SDK sends, as it comes over the wire."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class SentryServer:
    """Entering the context starts it; leaving ends it. `received` has all of it as text."""

    def __init__(self) -> None:
        self._bodies: list[str] = []
        bodies = self._bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                bodies.append(body.decode())
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self._server.server_port}/1"

    @property
    def received(self) -> str:
        return "\n".join(self._bodies)

    def items(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the items of that type, such as event or check_in."""
        found = []
        for body in list(self._bodies):
            _, *lines = body.splitlines()
            for header, item in zip(lines[::2], lines[1::2], strict=False):
                if json.loads(header)["type"] == kind:
                    found.append(json.loads(item))
        return found
