"""Encrypts what Redis keeps of messages (phones and texts), where BODY_KEY says so.

A Fernet token, kept as bytes and not as the text that it is elsewhere, which would take a third more. What was stored
before there was a key stays as it is, and its first byte distinguishes it from a token.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_TOKEN = b"\x80"  # Fernet's version; zstd's frames begin with another byte


class DecryptionError(Exception):
    """The body was encrypted with a key that is not among those of BODY_KEY here, or was changed since."""

    def __init__(self) -> None:
        super().__init__("encrypted with a key that BODY_KEY does not have here")


class BodyCipher:
    """The first key encrypts, each of them decrypts; without keys bodies are stored as they are."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = _fernet(keys) if keys else None

    def encrypt(self, body: bytes) -> bytes:
        """Return the body as Redis keeps it."""
        return body if self._fernet is None else urlsafe_b64decode(self._fernet.encrypt(body))

    def decrypt(self, stored: bytes) -> bytes:
        """Return the body. Raise DecryptionError."""
        if not stored.startswith(_TOKEN):
            return stored
        if self._fernet is None:
            raise DecryptionError
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(urlsafe_b64encode(stored))
        except InvalidToken:
            raise DecryptionError from None


def _fernet(keys: Sequence[str]) -> MultiFernet:
    # Imported for whoever encrypts: few do, and it takes a while.
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            "BODY_KEY needs cryptography: pip install 'bsg-campaigns[encryption]'", name=missing.name
        ) from None
    return MultiFernet([Fernet(key) for key in keys])
