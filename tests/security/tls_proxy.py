"""TLS in front of a server that speaks none, as the embedded one does not."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from types import TracebackType
from typing import Self


class TLSProxy:
    """Takes TLS on loopback and hands the plain text to a port of loopback."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._target = port
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        """One thread for both directions, as an ssl socket may not be read and written by two at once."""
        with (
            contextlib.suppress(OSError),
            near,
            socket.create_connection(("127.0.0.1", self._target)) as far,
            self._context.wrap_socket(near, server_side=True) as safe,
        ):
            safe.setblocking(False)
            self._pump(safe, far)

    def _pump(self, safe: ssl.SSLSocket, far: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(safe, selectors.EVENT_READ)
            selector.register(far, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    chunk = far.recv(65_536) if key.fileobj is far else self._decrypted(safe)
                    if key.fileobj is far and chunk:
                        safe.setblocking(True)
                        safe.sendall(chunk)
                        safe.setblocking(False)
                    elif chunk:
                        far.sendall(chunk)
                    if chunk == b"":
                        return

    @staticmethod
    def _decrypted(safe: ssl.SSLSocket) -> bytes | None:
        """Return what has arrived; None when it is not a whole record yet, nothing at the end."""
        pieces: list[bytes] = []
        with contextlib.suppress(ssl.SSLWantReadError):
            while piece := safe.recv(65_536):
                pieces.append(piece)
            return b"".join(pieces)
        return b"".join(pieces) or None
