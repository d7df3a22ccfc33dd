"""A TCP proxy that loses, delays and cuts what the test asks for."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Literal, Self

Trouble = Literal["cut", "delay", "halve", "blackhole"]

TROUBLES: tuple[Trouble, ...] = ("cut", "delay", "halve", "blackhole")

HALVED_SHARE = 0.3  # of the pieces: were it all of them, none but the first would ever be on its way

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@dataclass(eq=False, slots=True)
class _Connection:
    """`silent`: bytes of it were swallowed, so that nothing that comes later may be forwarded either."""

    near: socket.socket
    far: socket.socket
    silent: bool = False
    response_lost: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        for each in (self.near, self.far):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self.close()

    def close(self) -> None:
        for each in (self.near, self.far):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class LossyProxy:
    """Forwards to a port of loopback.

    After `lose_responses_to(marker)`, the response to a request that contains the marker is swallowed and its
    connection cut; `times` such requests, then no more.

    `trouble` begins one of these for all connections, until `heal`:
    - cut: those that stand are reset, and new ones as soon as they carry anything;
    - delay: every piece is held back, in both directions. What its sender has given up arrives all the same;
    - halve: of some pieces half the bytes are forwarded, then the connection is reset;
    - blackhole: bytes vanish, connections stay open. One that has lost bytes stays silent until `heal` resets it.
    """

    def __init__(self, port: int, *, seed: int = 0) -> None:
        self._target = port
        self._marker = b""
        self._times = 0
        self._trouble: Trouble | None = None
        self._delay = 0.0
        self._chance = Random(seed)
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def lose_responses_to(self, marker: bytes, *, times: int) -> None:
        self._marker, self._times = marker, times

    def trouble(self, kind: Trouble, *, delay: float = 0.0) -> None:
        """Begin it; `delay` is in seconds, for that kind alone."""
        self._trouble, self._delay = kind, delay
        if kind == "cut":
            self._reset(self._standing())

    def ease(self) -> None:
        """End the trouble, though not what it has done: connections that lost bytes stay silent."""
        self._trouble = None

    def heal(self) -> None:
        """End the trouble and resets the connections that lost bytes."""
        self._trouble = None
        self._reset([connection for connection in self._standing() if connection.silent])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self._reset(self._standing())

    def _standing(self) -> list[_Connection]:
        with self._lock:
            return list(self._connections)

    def _reset(self, connections: list[_Connection]) -> None:
        for connection in connections:
            connection.reset()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            near.close()
            return
        for each in (near, far):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(near, far)
        with self._lock:
            self._connections.add(connection)
        responses = threading.Thread(target=self._respond, args=(connection,), daemon=True)
        responses.start()
        self._requests(connection)
        responses.join()
        with self._lock:
            self._connections.discard(connection)

    def _requests(self, connection: _Connection) -> None:
        with contextlib.suppress(OSError):
            while data := connection.near.recv(65536):
                with self._lock:
                    if self._times > 0 and self._marker and self._marker in data:
                        self._times -= 1
                        connection.response_lost.set()
                self._forward(connection, data, connection.far)
        connection.close()

    def _respond(self, connection: _Connection) -> None:
        with contextlib.suppress(OSError):
            while data := connection.far.recv(65536):
                if connection.response_lost.is_set():
                    break
                self._forward(connection, data, connection.near)
        if not connection.silent:
            connection.close()

    def _forward(self, connection: _Connection, data: bytes, target: socket.socket) -> None:
        trouble = self._trouble
        if trouble == "blackhole":
            connection.silent = True
        if connection.silent:
            return
        if trouble == "cut":
            connection.reset()
        elif trouble == "halve" and self._chance.random() < HALVED_SHARE:
            target.sendall(data[: len(data) // 2])
            connection.reset()
        else:
            if trouble == "delay":
                time.sleep(self._delay)
            target.sendall(data)
