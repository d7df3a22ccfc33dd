"""A fake HTTP server that does, byte by byte, what a test instructs it to do."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from bsg_client import BSGClient, Outcome
from bsg_config.settings import Settings

Behaviour = Callable[["Conversation"], None]

MESSAGES = b'[{"phone":380970000001,"sender":"Shop","text":"Hello","reference_id":"a1"}]'
OPTIONS = {"tariff_code": 0, "validity": 72}


class Conversation:
    """One accepted connection."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self.connection = connection
        self.stopping = stopping

    def read_head(self) -> bytes:
        """Return the request up to its blank line."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.connection.recv(1)
            if not byte:
                return head
            head += byte
        return head

    def read_request(self) -> tuple[bytes, bytes]:
        """Return the whole request: head and body."""
        head = self.read_head()
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")),
            0,
        )
        body = b""
        while len(body) < length and (chunk := self.connection.recv(65_536)):
            body += chunk
        return head, body

    def write(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self, data: bytes, pause: float) -> None:
        """One byte after the other, until the client closes the connection or the test ends."""
        for byte in data:
            if self.stopping.wait(pause):
                return
            self.connection.sendall(bytes([byte]))

    def stay_silent(self) -> None:
        """Until the test ends."""
        self.stopping.wait(30)


class FakeServer:
    """Listens on loopback; does with its nth connection as its nth behaviour says, then as the last one."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._behaviours = behaviours
        self._tls = tls
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.connections = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._serve(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        # A client keeps its connection for the next request: a behaviour that reads on would wait for one.
        for connection in self._open:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _serve(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            behaviour = self._behaviours[min(self.connections, len(self._behaviours) - 1)]
            self.connections += 1
            self._serve(self._converse, connection, behaviour)

    def _converse(self, connection: socket.socket, behaviour: Behaviour) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._open.append(connection)
            with connection:
                behaviour(Conversation(connection, self._stopping))


def responding(status: int, body: bytes, headers: str = "Content-Type: application/json") -> Behaviour:
    """Read a whole request and return it."""

    def behaviour(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.write(response_bytes(status, body, headers))

    return behaviour


def response_bytes(status: int, body: bytes, headers: str = "Content-Type: application/json") -> bytes:
    extra = f"{headers}\r\n" if headers else ""
    return f"HTTP/1.1 {status} Whatever\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def campaign_body(bsg_id: int = 77) -> bytes:
    return json.dumps({"data": {"id": bsg_id, "status": "creation", "statistics": {"sent": 0}}}).encode()


def settings_for(url: str, **overrides: Any) -> Settings:
    """Settings with the key in each request, so that a test of the wire needs no Redis."""
    given = {
        "bsg_api_key": "live_sandbox",
        "bsg_auth": "api-key",
        "bsg_connect_timeout": 0.5,
        "bsg_read_timeout": 0.5,
    }
    return Settings.build(bsg_base_url=url, **{**given, **overrides})


def send(
    url: str, messages: bytes = MESSAGES, may_leave: Callable[[], bool] = lambda: True, **overrides: Any
) -> Outcome:
    """One request to create a campaign."""
    return BSGClient(settings_for(url, **overrides).account, None).send_individual(messages, OPTIONS, may_leave)
