"""Encrypt the messages in Redis (phones and texts) if BODY_KEY is set.

The ciphertext is a Fernet token, stored as bytes, because its usual text form takes a third more. Bodies that were
stored before a key was set stay as they are. Their first byte distinguishes them from a token.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_TOKEN = b"\x80"  # Fernet's version byte; zstd's frames begin with another one


class DecryptionError(Exception):
    """The body was encrypted with a key that BODY_KEY lacks here, or it was changed since."""

    def __init__(self) -> None:
        super().__init__("encrypted with a key that BODY_KEY does not have here")


class BodyCipher:
    """The first key encrypts; each key decrypts. Without keys, bodies are stored as they are."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = _fernet(keys) if keys else None

    def encrypt(self, body: bytes) -> bytes:
        """Return the body as Redis stores it."""
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
    # The import takes long, and few users encrypt.
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            "BODY_KEY needs cryptography: pip install 'bsg-campaigns[encryption]'", name=missing.name
        ) from None
    return MultiFernet([Fernet(key) for key in keys])
