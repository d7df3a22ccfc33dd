"""Choose a command's Redis: that of REDIS_URL, otherwise the embedded server that runs in this directory."""

from __future__ import annotations

import os
from pathlib import Path

from bsg_cli.embedded_server import running_server_url
from bsg_cli.errors import Unreachable
from bsg_config.settings import Settings
from bsg_producer import Producer


def redis_is_set() -> bool:
    """Return whether the environment names a Redis."""
    return bool(os.environ.get("REDIS_URL", "").strip())


def settings_in(directory: Path) -> Settings:
    """Return the environment's settings, with the embedded server of `directory` if REDIS_URL is not set.

    Raise Unreachable if there is neither, and SettingsInvalid.
    """
    if redis_is_set():
        return Settings.from_environment()
    url = running_server_url(directory)
    if url is None:
        raise Unreachable(
            f"No Redis: REDIS_URL is not set, and no embedded server runs in {directory}. "
            "Start `bsg-campaigns up` in this directory, or set REDIS_URL."
        )
    return Settings.from_environment({**os.environ, "REDIS_URL": url})


def open_producer(directory: Path) -> Producer:
    """Return a producer on that Redis. Raise as `settings_in` does."""
    return Producer(settings_in(directory))
