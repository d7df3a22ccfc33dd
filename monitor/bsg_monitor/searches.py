"""What operators search for, by names that an address may have."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict

SEARCHES_KEPT = 1000
MAX_SEARCHED_CHARACTERS = 100
NAME_CHARACTERS = 32


class Searches:
    """The last SEARCHES_KEPT texts, in memory only, because a text may be a phone. For one event loop.

    A name is a digest of the text with a key of this process, which nobody else can compute.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._texts: OrderedDict[str, str] = OrderedDict()

    def put(self, text: str) -> str:
        """Keep the text. Return its name."""
        # Without the key, anybody who sees the address could find out a phone by trying all of them.
        digest = hmac.new(self._key, text.encode(), hashlib.sha256)  # guard: search-is-keyed
        name = digest.hexdigest()[:NAME_CHARACTERS]
        self._texts[name] = text
        self._texts.move_to_end(name)
        while len(self._texts) > SEARCHES_KEPT:
            self._texts.popitem(last=False)
        return name

    def get(self, name: str) -> str | None:
        """Return the text; None if it is not kept any more."""
        return self._texts.get(name)
