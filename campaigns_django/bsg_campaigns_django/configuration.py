"""The settings of the project, and the producer that is made of them."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings as project

from bsg_config.app_settings import read_app_settings
from bsg_config.settings import Settings
from bsg_producer import Producer

SETTING = "BSG_CAMPAIGNS"


@cache
def settings() -> Settings:
    """Return the settings in `BSG_CAMPAIGNS` of settings.py, and the environment's for the rest.

    `BSG_CAMPAIGNS` is a mapping with the names of the variables, such as {"REDIS_URL": "redis://localhost:6379/0"}.
    Raise SettingsInvalid.

    >>> settings().redis_url is None
    False
    """
    return read_app_settings(getattr(project, SETTING, {}))


@cache
def producer() -> Producer:
    """Return the producer of this process, which has these settings. Raise SettingsInvalid.

    >>> producer().latest_event()
    '0-0.0'
    """
    return Producer(settings())


def forget_settings(*, setting: str, **_: Any) -> None:
    """Read the settings anew when they are needed next, if it is them that have changed."""
    if setting == SETTING:
        settings.cache_clear()
        producer.cache_clear()
