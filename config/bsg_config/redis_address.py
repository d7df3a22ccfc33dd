"""The address of Redis: parsed from a URL, and written for redis-py and for Celery's transport."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import parse_qsl, quote, unquote, urlsplit

Kind = Literal["redis", "rediss", "unix", "sentinel"]

_DEFAULT_PORT = 6379
_DEFAULT_SENTINEL_PORT = 26379
_OPTIONS: dict[str, frozenset[str]] = {
    "redis": frozenset({"db"}),
    "rediss": frozenset({"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}),
    "unix": frozenset({"db"}),
    "sentinel": frozenset({"db", "sentinel_username", "sentinel_password"}),
}
_HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]\s]+)(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """`nodes`: the server itself, or its sentinels. `path`: of a unix socket. `master`: the name at the sentinels."""

    kind: Kind
    nodes: tuple[tuple[str, int], ...] = ()
    path: str = ""
    master: str = ""
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, url: str) -> RedisAddress:
        """Parse redis://, rediss://, unix:// or sentinel://. Raise ValueError, which names the remedy."""
        scheme, separator, rest = url.strip().partition("://")
        kind = scheme.lower()
        if not separator or kind not in _OPTIONS:
            raise ValueError(
                "begin it with redis://, rediss:// (TLS), unix:// (a socket's path) or sentinel:// (h1:p1,h2:p2/master)"
            )
        # urlsplit does not support a list of hosts, so it gets the URL without them.
        try:
            parts = urlsplit(f"//{rest}")
        except ValueError:
            # The original message may contain the password.
            raise ValueError("write redis://user:password@host:port/0, and percent-encode odd characters") from None
        credentials, _, hosts = parts.netloc.rpartition("@")
        username, _, password = credentials.partition(":")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        unknown = sorted(set(options) - _OPTIONS[kind])
        if unknown or parts.fragment:
            known = ", ".join(sorted(_OPTIONS[kind]))
            raise ValueError(
                f"it has options that {kind}:// does not know; known are: {known}. Percent-encode '#' and '?'"
            )
        path = unquote(parts.path)
        database_in_path = path.strip("/") if kind in ("redis", "rediss") else ""
        if kind == "unix" and (hosts or len(path) < 2):
            raise ValueError("a socket's path is absolute: unix:///run/redis/redis.sock?db=0")
        master = path.strip("/") if kind == "sentinel" else ""
        if kind == "sentinel" and not master:
            raise ValueError("name the master that the sentinels watch: sentinel://h1:26379,h2:26379/mymaster?db=0")
        return cls(
            kind=cast("Kind", kind),
            nodes=() if kind == "unix" else _nodes(hosts, kind),
            path=path if kind == "unix" else "",
            master=master,
            database=_database(options.pop("db", "") or database_in_path or "0"),
            username=unquote(username) or None,
            password=unquote(password) or None,
            options=tuple(sorted(options.items())),
        )

    def option(self, name: str) -> str | None:
        return dict(self.options).get(name)

    def broker_url(self) -> str:
        """Return the URL of the same server for Celery's Redis transport."""
        if self.kind == "unix":
            path = quote(self.path)
            return f"redis+socket://{self._credentials()}{path}?virtual_host={self.database}"
        if self.kind == "sentinel":
            return ";".join(
                f"sentinel://{self._credentials()}{host}:{port}/{self.database}" for host, port in self._written_nodes()
            )
        ((host, port),) = self._written_nodes()
        url = f"{self.kind}://{self._credentials()}{host}:{port}/{self.database}"
        if self.kind == "rediss":
            # By default the transport does not verify certificates.
            options = {"ssl_cert_reqs": "CERT_REQUIRED", "ssl_check_hostname": "true", **dict(self.options)}
            url += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        return url

    def connection_arguments(self) -> dict[str, Any]:
        """Return redis-py's arguments for the server, or for the master that the sentinels name."""
        arguments: dict[str, Any] = {
            "db": self.database,
            "username": self.username,
            "password": self.password,
        }
        if self.kind == "unix":
            return {**arguments, "unix_socket_path": self.path}
        if self.kind == "sentinel":
            return arguments
        ((host, port),) = self.nodes
        arguments |= {"host": host, "port": port}
        if self.kind == "rediss":
            arguments |= {
                "ssl": True,
                "ssl_cert_reqs": "required",
                "ssl_check_hostname": True,
                **dict(self.options),
            }
        return arguments

    def sentinel_arguments(self) -> dict[str, Any]:
        """Return redis-py's arguments for the sentinels. They have their own credentials."""
        return {"username": self.option("sentinel_username"), "password": self.option("sentinel_password")}

    def without_secrets(self) -> str:
        """Return the address without its password."""
        where = self.path if self.kind == "unix" else ",".join(f"{host}:{port}" for host, port in self._written_nodes())
        master = f"/{self.master}" if self.master else ""
        return f"{self.kind}://{where}{master}?db={self.database}"

    def _credentials(self) -> str:
        if self.username is None and self.password is None:
            return ""
        return f"{quote(self.username or '', safe='')}:{quote(self.password or '', safe='')}@"

    def _written_nodes(self) -> list[tuple[str, int]]:
        return [(f"[{host}]" if ":" in host else host, port) for host, port in self.nodes]


def _nodes(hosts: str, kind: str) -> tuple[tuple[str, int], ...]:
    default_port = _DEFAULT_SENTINEL_PORT if kind == "sentinel" else _DEFAULT_PORT
    written = hosts.split(",")
    if len(written) > 1 and kind != "sentinel":
        raise ValueError("only sentinel:// takes several hosts")
    nodes: list[tuple[str, int]] = []
    for host_and_port in written:
        match = _HOST_AND_PORT.fullmatch(host_and_port.strip())
        port = int(match[2] or default_port) if match else 0
        if match is None or not 0 < port < 65_536:
            raise ValueError("write each host as host:port, with a port of 1 to 65535")
        nodes.append((match[1].strip("[]"), port))
    return tuple(nodes)


def _database(written: str) -> int:
    if not (written.isascii() and written.isdigit()):
        raise ValueError("the database is a whole number, such as redis://localhost:6379/0 or ?db=0")
    return int(written)
