"""Readers of settings. They read a text from the environment, or a value that has the right type.

They raise marshmallow's ValidationError, which says what is wrong and what to write instead.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import ValidationError

from bsg_config.rate import Rate
from bsg_config.redis_address import RedisAddress

Value = TypeVar("Value")
Reader = Callable[[Any], Value]

_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=")  # 32 bytes, as text
_API_KEY = re.compile(r"(live|test)_[\x21-\x7e]+")  # printable: it becomes a header of every request
_SECONDS_IN = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SLOWEST_STATUS_INTERVAL_MS = 10_000  # no slot is reserved farther ahead


def seconds(least: float, most: float) -> Reader[float]:
    """Return a reader of durations in seconds: `90`, `1.5`, `15m`, `24h`, `7d`, or a timedelta."""

    def read(value: Any) -> float:
        if isinstance(value, timedelta):
            found = value.total_seconds()
        else:
            text = str(value).strip().lower()
            factor = _SECONDS_IN.get(text[-1:], 0)
            found = _number(text[:-1] if factor else text) * (factor or 1)
        if math.isnan(found) or not least <= found <= most:
            raise ValidationError(
                f"Not a duration from {least:g} to {most:g} seconds. Write seconds, such as 90 or 1.5."
            )
        return found

    return read


def whole_number(least: int, most: int) -> Reader[int]:
    def read(value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and least <= int(text[:12]) <= most):
            raise ValidationError(f"Not a whole number from {least} to {most}. Write it in digits, such as {least}.")
        return int(text)

    return read


def one_of(*choices: str) -> Reader[str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValidationError(f"Not one of the choices. Write {' or '.join(choices)}.")
        return str(value)

    return read


def boolean(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in ("true", "false"):
        raise ValidationError("Neither true nor false. Write one of them.")
    return text == "true"


def fernet_keys(value: Any) -> tuple[str, ...]:
    """Return the keys of a text, separated by commas. The first encrypts. An empty text has no keys."""
    given = value if isinstance(value, (tuple, list)) else str(value).split(",")
    keys = tuple(filter(None, (str(key).strip() for key in given)))
    for number, key in enumerate(keys, 1):
        if not _FERNET_KEY.fullmatch(key):
            raise ValidationError(
                f"Key {number} is not a key. Write what `python -c 'from cryptography.fernet import Fernet; "
                "print(Fernet.generate_key().decode())'` prints."
            )
    return keys


def names(value: Any) -> tuple[str, ...]:
    """Read names with commas between them, or a collection of names."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(name for part in parts if (name := str(part).strip()))


def secret(value: Any) -> str:
    text = str(value)
    if not 16 <= len(text.encode()) <= 64:
        raise ValidationError("Not a secret of 16 to 64 characters. Make one with `openssl rand -hex 32`.")
    return text


def rate(value: Any) -> Rate:
    if isinstance(value, Rate):
        return value
    try:
        return Rate.parse(str(value))
    except ValueError as error:
        raise ValidationError(f"Not a rate: {error}.") from None


def status_rate(value: Any) -> Rate:
    """Return a rate. A look-up of a batch takes several requests: the rate must let it end in time."""
    wanted = rate(value)
    if wanted.interval_ms > _SLOWEST_STATUS_INTERVAL_MS:
        raise ValidationError("Too slow to look a batch up, which takes several requests. Write 6/m or more.")
    return wanted


def zone(value: Any) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value).strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError("Not a known time zone. Write a name such as UTC or Europe/Kyiv.") from None


def api_key(value: Any) -> str:
    text = str(value).strip()
    if not _API_KEY.fullmatch(text):
        raise ValidationError(
            "Not a key of BSG, which begins with live_ or test_. Copy it as BSG shows it, without blanks, quotation "
            "marks and line breaks."
        )
    return text


def base_url(value: Any) -> str:
    text = str(value).strip().rstrip("/")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    # urlsplit ignores line breaks. Credentials in an address would be shown with it.
    written = text.isascii() and text.isprintable() and " " not in text and "@" not in text
    if not written or host is None or parts.scheme not in ("https", "http") or parts.query or parts.fragment:
        raise ValidationError("Not the address of an API. Write it as https://one-api.bsg.world.")
    if parts.scheme != "https" and not _is_loopback(host):  # guard: key-over-tls
        raise ValidationError(
            "Not encrypted: the key would travel in the clear. Write https:// (http:// is for loopback)."
        )
    return text


def redis_url(value: Any) -> str:
    text = str(value).strip()
    try:
        RedisAddress.parse(text)
    except ValueError as error:
        raise ValidationError(f"Not the address of a Redis: {error}.") from None
    return text


def optional(read: Reader[Value]) -> Reader[Value | None]:
    return lambda value: None if value is None else read(value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
