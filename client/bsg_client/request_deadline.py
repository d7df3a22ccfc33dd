"""The deadline of one whole request. After it the connection is cut, even if the provider still sends.

Timeouts of a socket bound only the silence between two bytes, and http.client reads headers in its own loop. So a timer
shuts down the sockets of the request. That wakes the waiting thread, under TLS and proxies too.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_of_this_thread = threading.local()


class RequestDeadline:
    """One request of this thread, from the first look-up of a name to the last byte of the response."""

    def __init__(self, seconds: float, send_timeout: float) -> None:
        self.expired = False
        self.send_timeout = send_timeout
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    @classmethod
    @contextlib.contextmanager
    def bounded(cls, seconds: float, send_timeout: float) -> Iterator[RequestDeadline]:
        """Cut the request after `seconds`. No single write may block for more than `send_timeout`."""
        deadline = cls(seconds, send_timeout)
        _of_this_thread.deadline = deadline
        deadline._timer.start()  # guard: request-timer
        try:
            yield deadline
        finally:
            _of_this_thread.deadline = None
            deadline._end()

    def watch(self, connected: socket.socket) -> None:
        """Watch a connection of the request. Cut it at once if the deadline has passed."""
        # Duplicate the descriptor: urllib3 may close its own while the response is still being read, and TLS wraps the
        # socket in another object.
        own = socket.socket(fileno=os.dup(connected.fileno()))
        with self._lock:
            self._watched.append(own)
            if self.expired:
                _cut(own)

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            for watched in self._watched:
                _cut(watched)

    def _end(self) -> None:
        self._timer.cancel()
        with self._lock:
            for watched in self._watched:
                watched.close()
            self._watched.clear()


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    """A connection whose socket is under the deadline of the thread that uses it."""

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        _current().watch(connected)
        return connected

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock is not None:
            # guard: kept-connection-watched
            _current().watch(self.sock)  # kept alive from an earlier request
        super().request(*arguments, **options)

    def endheaders(self, *arguments: Any, **options: Any) -> None:
        super().endheaders(*arguments, **options)
        # The timeout for connecting applied until here. Sending a body may take longer.
        self.sock.settimeout(_current().send_timeout)


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class WatchingAdapter(HTTPAdapter):
    """An adapter for `requests` whose connections keep the deadline of their thread. It does not retry."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)  # guard: no-transport-retry

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}
        return manager


def _current() -> RequestDeadline:
    deadline: RequestDeadline | None = getattr(_of_this_thread, "deadline", None)
    if deadline is None:
        raise RuntimeError("a connection is used outside a request")
    return deadline
