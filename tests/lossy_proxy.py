"""A TCP proxy that loses what the test tells it to lose."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class LossyProxy:
    """Forwards to a port of loopback.

    After `lose_answers_to(marker)`, the answer to a request that contains the marker is swallowed and its connection
    cut; `times` such requests, then no more.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._marker = b""
        self._times = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def lose_answers_to(self, marker: bytes, *, times: int) -> None:
        self._marker, self._times = marker, times

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                lost = threading.Event()
                threading.Thread(target=self._requests, args=(near, far, lost), daemon=True).start()
                threading.Thread(target=self._answers, args=(near, far, lost), daemon=True).start()

    def _requests(self, near: socket.socket, far: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                with self._lock:
                    if self._times > 0 and self._marker and self._marker in data:
                        self._times -= 1
                        lost.set()
                far.sendall(data)
        _close(near, far)

    def _answers(self, near: socket.socket, far: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(65536):
                if lost.is_set():
                    break
                near.sendall(data)
        _close(near, far)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
