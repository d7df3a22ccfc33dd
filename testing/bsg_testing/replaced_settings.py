"""The settings of a test: they lead to its Redis and to the sandbox, whatever the environment and the app say."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from bsg_config import app_settings
from bsg_config.named_accounts import DEFAULT_ACCOUNT, variable
from bsg_config.settings import Settings
from bsg_sandbox.server import Sandbox
from bsg_testing.redis_servers import RedisOfTests

_KEY = "BSG_API_KEY"
_OF_NAMED_ACCOUNT = re.compile(r"(BSG_API_KEY|BSG_BASE_URL|BSG_AUTH)__(?P<name>\w+)")
_DJANGO_CONFIGURATION = "bsg_campaigns_django.configuration"
# Timeouts are in real time, and the machine may be busy. A lease has to outlast them.
_TIMEOUTS = {
    "QUEUE_TIMEOUT": "30",
    "BSG_CONNECT_TIMEOUT": "10",
    "BSG_READ_TIMEOUT": "10",
    "LEASE_SECONDS": "600",
}


@contextmanager
def replace_settings(
    redis: RedisOfTests, sandbox: Sandbox, accounts: Iterable[str], settings: Mapping[str, object]
) -> Iterator[None]:
    """Let everything that reads settings read those of a test. Raise SettingsInvalid, also for an unknown name.

    The environment, and the configuration of Flask and Django apps, keep what has to do with neither server.
    """

    def in_test(given: Mapping[str, str]) -> dict[str, str]:
        named = {name: match["name"].lower() for name in given if (match := _OF_NAMED_ACCOUNT.fullmatch(name))}
        keys = {name: f"live_{name}" for name in (*accounts, *named.values())}
        for key in keys.values():
            sandbox.put_account(key)
        return {
            **{name: value for name, value in given.items() if name not in named},
            **_TIMEOUTS,
            **redis.settings,
            **{variable(_KEY, name): key for name, key in keys.items()},
            variable(_KEY, DEFAULT_ACCOUNT): "live_sandbox",
            "BSG_BASE_URL": sandbox.url,
            "REDIS_URL": redis.url,
            **{name: str(value) for name, value in settings.items()},
        }

    def read(given: Mapping[str, str]) -> Settings:
        return Settings.from_environment(in_test(given))

    with (
        patch.dict(os.environ),
        patch.object(app_settings, "Settings", SimpleNamespace(from_environment=read)),
        _read_anew_by_django(),
    ):
        variables = in_test(os.environ)
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)
        app_settings.read_app_settings(settings)
        yield


@contextmanager
def _read_anew_by_django() -> Iterator[None]:
    """Let the app of Django, if it is in use, forget its settings and its producer before and after."""
    _forget_in_django()
    try:
        yield
    finally:
        _forget_in_django()


def _forget_in_django() -> None:
    configuration = sys.modules.get(_DJANGO_CONFIGURATION)
    if configuration is not None:
        configuration.forget_settings(setting=configuration.SETTING)
