"""The databases that the tests run on: SQLite, and a PostgreSQL server of the tests' own where it is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from tests.processes import wait_until
from tests.servers import free_port

_DEBIAN = "/usr/lib/postgresql/*/bin"  # it keeps the server's programs off PATH


def postgresql_program(name: str) -> str | None:
    """Return a program of PostgreSQL's server, or None if it is not installed."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *sorted(glob(_DEBIAN), reverse=True)))
    return shutil.which(name, path=path)


def why_no_postgresql() -> str | None:
    """Return why there is no PostgreSQL to run on; None if there is one."""
    for name in ("initdb", "postgres"):
        if postgresql_program(name) is None:
            return f"PostgreSQL is not installed: no {name}"
    if os.geteuid() == 0 and _owner() is None:
        return "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`"
    return None


@contextmanager
def sqlite(directory: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the settings of a database in a file, as one that several processes use."""
    yield {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(directory / "project.sqlite3"),
        "OPTIONS": {"timeout": 20},
    }


@contextmanager
def postgresql(_: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the settings of an empty database on a server that runs until this ends."""
    owner = _owner() if os.geteuid() == 0 else None
    # Not in pytest's directories, which another user may not enter.
    directory = Path(tempfile.mkdtemp(prefix="postgresql-"))
    port = free_port()
    try:
        if owner is not None:
            os.chown(directory, pwd.getpwnam(owner).pw_uid, -1)
        data = directory / "data"
        initdb = [str(postgresql_program("initdb")), "-D", str(data), "-U", "tests", "-A", "trust", "-E", "UTF8", "-N"]
        subprocess.run(initdb, check=True, capture_output=True, user=owner, cwd=directory)
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    *(str(postgresql_program("postgres")), "-D", str(data), "-p", str(port)),
                    *("-k", str(directory), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
                ],
                stdout=log,
                stderr=log,
                user=owner,
                cwd=directory,
            )
        try:
            ready = "ready to accept connections"
            wait_until(lambda: ready in (directory / "log").read_text(), within=60, what="PostgreSQL to be ready")
            yield {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": "tests",
                "HOST": "127.0.0.1",
                "PORT": port,
            }
        finally:
            server.send_signal(signal.SIGINT)  # a fast shutdown
            server.wait(30)
    finally:
        shutil.rmtree(directory)


def _owner() -> str | None:
    """Return a user who may run the server instead of root."""
    users = {user.pw_name for user in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in users), None)


def use(settings: Mapping[str, Any]) -> None:
    """Have Django use this database from now on, in this process."""
    connections.close_all()
    connections.settings = connections.configure_settings({DEFAULT_DB_ALIAS: dict(settings)})
    with suppress(AttributeError):  # nobody has connected yet
        del connections[DEFAULT_DB_ALIAS]
