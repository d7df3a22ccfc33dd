"""The settings of an app whose framework has a configuration of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid
from bsg_config.settings_table import SETTINGS


def read_app_settings(given: Mapping[str, Any]) -> Settings:
    """Return the settings that are given by the names of the variables, and the environment's for the rest.

    A value may have another type than a string. None counts as not given. Raise SettingsInvalid, also for a name that
    no setting has: it may be mistyped.

    >>> read_app_settings({"REDIS_URL": "redis://localhost:6379/0", "QUEUE_TIMEOUT": 2}).queue_timeout
    2.0
    """
    known = {setting.name for setting in SETTINGS}
    if unknown := [name for name in given if name.partition("__")[0] not in known]:
        raise SettingsInvalid({name: ["There is no such setting."] for name in unknown})
    texts = {name: _text(value) for name, value in given.items() if value is not None}
    return Settings.from_environment({**os.environ, **texts})


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
