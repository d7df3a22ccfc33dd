"""HTTP/1.1 on sockets, with a thread for each connection.

It does not use `http.server`, because faults need the socket: a response that is cut in half, a reset in the middle of
an upload, silence until the client gives up.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from io import BufferedReader
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from bsg_sandbox.responses import Ending, Head, Response, message_response

BACKLOG = 1024
MAX_LINE = 65_536
MAX_HEADERS = 200
MAX_BODY = 128 * 1024 * 1024
_MAX_DIGITS = 20
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class RequestHandler(Protocol):
    """One request, from its headers to its end."""

    @property
    def upload_limit(self) -> int | None:
        """Return the number of bytes of the body after which the connection is cut; None: it is not cut."""

    def respond(self, body: bytes) -> Response:
        """Return the response, once the whole body has arrived."""

    def close(self, status: int | None) -> None:
        """Record the status of the response; None if none was sent."""


class Application(Protocol):
    """The application whose responses the server sends."""

    def open(self, head: Head) -> RequestHandler:
        """Return the handler of a request whose headers have arrived."""


class BadRequest(Exception):
    """The request is not HTTP, or is too large. `status`: the status of the response."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class HttpServer:
    """Serves an application on a port until it is stopped. `port` 0 takes a free one. Raise OSError if it is taken."""

    def __init__(self, host: str, port: int, application: Application) -> None:
        self._application = application
        self._listener = socket.create_server((host, port), backlog=BACKLOG)
        self.host, self.port = self._listener.getsockname()[:2]
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept, name="sandbox-accept", daemon=True)

    def start(self) -> None:
        """Accept connections from now on."""
        self._acceptor.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        if self._acceptor.is_alive():
            self._acceptor.join(5)

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), name="sandbox", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)
        try:
            with connection, connection.makefile("rb") as reader, suppress(OSError):
                while not self.stopping.is_set() and self._serve_request(connection, reader):
                    pass
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _serve_request(self, connection: socket.socket, reader: BufferedReader) -> bool:
        """Serve one request. Return False if the connection is over."""
        try:
            read = _read_head(reader)
            if read is None:
                return False
            head, keep = read
            handler = self._application.open(head)
        except BadRequest as refusal:
            send_response(connection, message_response(refusal.status, HTTPStatus(refusal.status).phrase), keep=False)
            return False
        response = Response(0, ending=Ending.CUT)
        try:
            response, keep = self._respond(connection, reader, head, handler, keep)
            if response.ending is Ending.SILENCE:
                _wait_for_the_end(connection, response.pause)
        finally:
            # Log the response before it is sent, so that a client that has it finds it in the log.
            has_responded = response.ending not in (Ending.CUT, Ending.SILENCE)
            handler.close(response.status if has_responded else None)
        return self._deliver(connection, response, head.method, keep)

    def _respond(
        self, connection: socket.socket, reader: BufferedReader, head: Head, handler: RequestHandler, keep: bool
    ) -> tuple[Response, bool]:
        try:
            if head.headers.get("expect", "").lower() == "100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = _read_body(reader, head.headers, handler.upload_limit)
            if body is None:
                return Response(0, ending=Ending.CUT), False
            return handler.respond(body), keep
        except BadRequest as refusal:
            return message_response(refusal.status, HTTPStatus(refusal.status).phrase), False
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as fault:
            # Show only the type: the exception's message may contain what a client sent.
            return message_response(500, f"The sandbox itself failed: {type(fault).__name__}."), False

    def _deliver(self, connection: socket.socket, response: Response, method: str, keep: bool) -> bool:
        if response.ending is Ending.CUT:
            _reset(connection)
            return False
        if response.ending is Ending.SILENCE:
            return False
        if response.ending is Ending.ENDLESS:
            self._send_without_end(connection, response)
            return False
        if response.ending is Ending.HALF:
            connection.sendall(_head_of(response, keep=False) + response.body[: len(response.body) // 2])
            return False
        send_response(connection, response, keep=keep, with_body=method != "HEAD")
        return keep

    def _send_without_end(self, connection: socket.socket, response: Response) -> None:
        head = f"HTTP/1.1 {response.status} OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + response.body)
        # Send spaces before an object that never comes, so that a reader never sees an end.
        piece = b" " * (16_384 if response.pause == 0 else 1)
        while not self.stopping.wait(response.pause):
            connection.sendall(piece)


def send_response(connection: socket.socket, response: Response, *, keep: bool, with_body: bool = True) -> None:
    """Send a whole response. `keep`: the connection stays open."""
    connection.sendall(_head_of(response, keep=keep) + (response.body if with_body else b""))


def _head_of(response: Response, *, keep: bool) -> bytes:
    phrase = HTTPStatus(response.status).phrase if response.status in set(HTTPStatus) else "Unknown"
    lines = [f"HTTP/1.1 {response.status} {phrase}", f"Date: {formatdate(usegmt=True)}"]
    lines.extend(f"{name}: {value}" for name, value in response.headers.items())
    lines.append(f"Content-Length: {len(response.body)}")
    lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _wait_for_the_end(connection: socket.socket, seconds: float) -> None:
    connection.settimeout(seconds or None)
    while connection.recv(MAX_LINE):
        pass


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


def _read_head(reader: BufferedReader) -> tuple[Head, bool] | None:
    line = reader.readline(MAX_LINE)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(400)
    method, target, version = words
    headers: dict[str, str] = {}
    while (line := reader.readline(MAX_LINE)) not in (b"\r\n", b"\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or len(headers) >= MAX_HEADERS:
            raise BadRequest(400)
        headers[name.strip().lower()] = value.strip()
    try:
        address = urlsplit(target)
    except ValueError as fault:
        raise BadRequest(400) from fault
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    asked = headers.get("connection", "keep-alive" if version == "HTTP/1.1" else "close").lower()
    return Head(method, unquote(address.path), query, headers), asked != "close"


def _read_body(reader: BufferedReader, headers: Mapping[str, str], limit: int | None) -> bytes | None:
    """Return the body; None if it is longer than the limit. Raise BadRequest."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _read_chunks(reader, limit)
    stated = headers.get("content-length", "0")
    if not stated.isascii() or not stated.isdigit() or len(stated) > _MAX_DIGITS:
        raise BadRequest(400)
    length = int(stated)
    if length > MAX_BODY:
        raise BadRequest(413)
    if limit is not None and limit < length:
        reader.read(limit)
        return None
    return _exactly(reader, length)


def _read_chunks(reader: BufferedReader, limit: int | None) -> bytes | None:
    pieces: list[bytes] = []
    total = 0
    while True:
        try:
            length = int(reader.readline(MAX_LINE).split(b";")[0], 16)
        except ValueError as fault:
            raise BadRequest(400) from fault
        total += length
        if length < 0 or total > MAX_BODY:
            raise BadRequest(413)
        if limit is not None and total > limit:
            return None
        if length == 0:
            while reader.readline(MAX_LINE) not in (b"\r\n", b"\n", b""):
                pass
            return b"".join(pieces)
        pieces.append(_exactly(reader, length))
        reader.readline(MAX_LINE)


def _exactly(reader: BufferedReader, length: int) -> bytes:
    body = reader.read(length)
    if len(body) < length:
        raise ConnectionError("the client left in the middle of its body")
    return body
