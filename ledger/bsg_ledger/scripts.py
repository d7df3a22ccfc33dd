"""Run the Lua scripts of this package. One script is one atomic transition."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import redis
from redis.exceptions import NoScriptError

from bsg_ledger.replies import typed

BATCHES_A_STEP = 25
"""The maximum of batches and chunks that a script changes, so that it blocks Redis only for some milliseconds."""

SHARED = "shared"  # the folder of common declarations; the other folders have one file for each script
SHARED_IN_ORDER = (
    "keys",
    "basics",
    "limit",
    "account",
    "suppressions",
    "ready",
    "campaign",
    "day_cost",
    "batch",
    "compaction",
    "price",
    "at_bsg",
    "doubt",
    "streams",
    "gate",
    "rollback",
    "chunks",
)

Argument = str | bytes | int
Reply = list[Any]


FEED_LENGTH = 100_000  # transitions, of some hundred bytes each: enough for ten campaigns of a million messages


@cache
def source(name: str, feed_length: int = FEED_LENGTH) -> tuple[str, str]:
    """Return the whole text of a script and its SHA-1: the shebang, the shared declarations it needs, and its body."""
    folder = resources.files(__package__) / "lua"
    subjects = (subject for subject in folder.iterdir() if subject.name != SHARED)
    (file,) = (script for subject in subjects for script in subject.iterdir() if script.name == f"{name}.lua")
    shebang, _, body = file.read_text("utf-8").partition("\n")
    shared = "".join((folder / SHARED / f"{one}.lua").read_text("utf-8") for one in SHARED_IN_ORDER)
    text = f"{shebang}\nlocal FEED_LENGTH = {feed_length}\n{_needed(shared, body)}\n{body}"
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _needed(shared: str, body: str) -> str:
    """Return the shared declarations that a script uses, because Redis evaluates all of them at each call."""
    kept, words = list[str](), _words(body)
    # A declaration uses only those above it.
    for declaration in reversed(re.split(r"^(?=local )", shared, flags=re.M)):
        declared = re.match(r"local (?:function )?([\w, ]+)", declaration)
        if declared and words & _words(declared[1]):
            kept.append(declaration)
            words |= _words(declaration)
    return "".join(reversed(kept))


def _words(lua: str) -> set[str]:
    return set(re.findall(r"\w+", re.sub(r"--.*", "", lua)))


class Scripts:
    """Call scripts by their file's name."""

    def __init__(
        self, client: redis.Redis, feed_length: int = FEED_LENGTH, *, batches_a_step: int | None = None
    ) -> None:
        self._client = typed(client)
        self._feed_length = feed_length
        self.batches_a_step = BATCHES_A_STEP if batches_a_step is None else batches_a_step

    def source(self, name: str) -> tuple[str, str]:
        """Return a script's text and its SHA-1."""
        return source(name, self._feed_length)

    def run(self, name: str, *arguments: Argument) -> Reply:
        """Run one script. Raise `redis.exceptions.RedisError` when Redis fails or refuses."""
        text, digest = self.source(name)
        try:
            return list(self._client.evalsha(digest, 0, *arguments))
        except NoScriptError:
            # EVAL also loads the script, so that the next call finds it by its digest.
            return list(self._client.eval(text, 0, *arguments))

    def step(self, name: str, campaign_id: str) -> str:
        """Run one step of a change of a whole campaign. Return `more` if others follow, otherwise the result."""
        return text_of(self.run(name, campaign_id, self.batches_a_step)[0])

    def all_steps(self, name: str, campaign_id: str) -> str:
        """Run the remaining steps. Return the last one's result."""
        while (ended := self.step(name, campaign_id)) == "more":
            pass
        return ended


def text_of(value: Any) -> str:
    """Return a reply of Redis as text; an integer reply as its digits."""
    return value.decode() if isinstance(value, bytes) else str(value)


def texts_by_name(names: Sequence[str], values: Sequence[bytes | None]) -> dict[str, str]:
    """Return the existing fields of a hash, given the names and the values that were read."""
    return {name: text_of(value) for name, value in zip(names, values, strict=True) if value is not None}


def decoded(raw: Mapping[Any, Any]) -> dict[str, str]:
    """Return a hash, or an entry of a stream, as texts."""
    return {text_of(name): text_of(value) for name, value in raw.items()}
