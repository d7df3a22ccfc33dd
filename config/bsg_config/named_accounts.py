"""Variables of a named account: `marketing` has BSG_RATE_LIMIT__MARKETING, otherwise BSG_RATE_LIMIT."""

from __future__ import annotations

import re
from collections.abc import Mapping

DEFAULT_ACCOUNT = "default"  # its variables carry no name

_SEPARATOR = "__"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WRITTEN = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_NAME_REMEDY = "write it in capitals, digits and _ after the __, such as BSG_API_KEY__MARKETING"


def is_account_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def variable(setting: str, account: str) -> str:
    """Return the environment variable that has a setting of an account."""
    return setting if account == DEFAULT_ACCOUNT else f"{setting}{_SEPARATOR}{account.upper()}"


def own_settings(
    environ: Mapping[str, str], settings: Mapping[str, bool]
) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """Return the named accounts' own values, by account and setting, and the errors, by variable.

    `settings` maps each setting to whether it is per account. A blank variable counts as unset.
    """
    own: dict[str, dict[str, str]] = {}
    wrong: dict[str, list[str]] = {}
    for name, value in sorted(environ.items()):
        setting, separator, written = name.partition(_SEPARATOR)
        if not separator or setting not in settings or not value.strip():
            continue
        account = written.lower()
        if not _WRITTEN.fullmatch(written):
            wrong[name] = [f"Not an account's name: {_NAME_REMEDY}."]
        elif account == DEFAULT_ACCOUNT:
            wrong[name] = [f"The account {DEFAULT_ACCOUNT} has no name in its variables: set {setting}."]
        elif not settings[setting]:
            wrong[name] = [f"All accounts have it in common: set {setting}."]
        else:
            own.setdefault(account, {})[setting] = value
    return own, wrong
