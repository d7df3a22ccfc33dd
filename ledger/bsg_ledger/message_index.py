"""Find messages by a digest of their phone or their reference id. A digest takes a few bytes in Redis.

It is apart from the transitions: whoever indexes reads what is prepared, and nothing that is sent depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import redis

from bsg_ledger import schema
from bsg_ledger.feed import Position
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Scripts, text_of

CAMPAIGNS_AT_ONCE = 500
BYTES_AT_ONCE = 1_000_000  # a script blocks Redis for some milliseconds
RANGES_AT_ONCE = 1000


class MessageIndex:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = typed(client)
        self._scripts = scripts

    def position(self) -> Position | None:
        """Return the position in the feed up to which messages have been indexed; None if none ever were."""
        found = self._client.hget(schema.MESSAGE_INDEX(), "position")
        return None if found is None else Position.parse(text_of(found))

    def note_position(self, position: Position) -> None:
        self._scripts.run("note_indexed", str(position))

    def note(self, campaign_id: str, kind: str, digests: Mapping[int, bytes], *, keep_ms: int) -> None:
        """Note the digests of messages by their indexes, and keep all of the campaign `keep_ms` from now.

        Noting them again changes nothing else.
        """
        ranges = list(_ranges(digests))
        for first in range(0, len(ranges), RANGES_AT_ONCE):
            some = [value for one in ranges[first : first + RANGES_AT_ONCE] for value in one]
            size = len(next(iter(digests.values())))
            self._scripts.run("note_digests", campaign_id, kind, keep_ms, size, *some)

    def find(self, kind: str, digest: bytes, campaign_ids: Sequence[str]) -> dict[str, int]:
        """Return, of each of the campaigns that has such a message, the index of the first one."""
        found: dict[str, int] = {}
        first, byte, most = 0, 0, BYTES_AT_ONCE // len(digest) * len(digest)
        while first < len(campaign_ids):
            some = campaign_ids[first : first + CAMPAIGNS_AT_ONCE]
            searched, byte, *rest = self._scripts.run("find_digest", kind, digest, byte, most, *some)
            found |= {text_of(name): int(index) for name, index in zip(rest[::2], rest[1::2], strict=True)}
            first += int(searched)
        return found


def _ranges(digests: Mapping[int, bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the first index of each range of consecutive indexes, and its digests one behind the other."""
    indexes = sorted(digests)
    for _, group in groupby(enumerate(indexes), key=lambda one: one[1] - one[0]):
        some = [index for _, index in group]
        yield some[0], b"".join(digests[index] for index in some)
