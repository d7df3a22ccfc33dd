"""The settings of the project, and the producer that is made of them."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from django.conf import settings as project

from bsg_config.settings import Settings
from bsg_producer import Producer

SETTING = "BSG_CAMPAIGNS"


@cache
def settings() -> Settings:
    """Return the settings: those in `BSG_CAMPAIGNS` of settings.py, before those of the environment.

    `BSG_CAMPAIGNS` is a mapping with the names of the environment, such as {"REDIS_URL": "redis://localhost:6379/0"}.
    Raise SettingsInvalid.
    """
    return Settings.from_environment({**os.environ, **_written(getattr(project, SETTING, {}))})


@cache
def producer() -> Producer:
    """Return the producer of this process. Raise SettingsInvalid.

    >>> producer().latest_event()
    '0-0.0'
    """
    return Producer(settings())


def forget_settings(*, setting: str, **_: Any) -> None:
    """Read the settings anew when they are needed next, if it is them that have changed."""
    if setting == SETTING:
        settings.cache_clear()
        producer.cache_clear()


def _written(given: dict[str, Any]) -> dict[str, str]:
    """Return the values as the environment has them."""
    return {name: _text(value) for name, value in given.items() if value is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
