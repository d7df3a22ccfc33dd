"""The names of effects, by the door that each goes through and by what distinguishes it from others of that door.

    script prepared       a script of Redis, by its file's name
    script dispatch: send what a worker was given to do, behind the script that decides it
    script due: live      one that does several things, with the argument that says which
    redis HSET messages   any other command that writes, with the last word of its first key
    redis WAITAOF         a pipeline, by its last script, or else its last command that writes
    POST send-individual  a request to BSG, by the last word of its path
    sleep

Where a script that takes what is due has found nothing, what comes after it is named apart: those that look again and
again would be seen at nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

ACCEPT_MESSAGES = "script accept_messages"  # how messages of streams are committed
NOTHING = " (nothing)"
SLEEP = "sleep"

# Which argument of a script says what it does.
_NAMED_BY: Mapping[str, int] = {"due": 1, "reserve": 0}
_WORK = frozenset({"send", "prepare", "recheck", "hours"})
_TAKES = frozenset({"due", "take_back"})
_READS = frozenset({
    "CONFIG", "EXISTS", "GET", "HEXISTS", "HGET", "HGETALL", "HMGET", "HSCAN", "INFO", "LLEN", "LRANGE", "MGET", "PING",
    "SCARD", "SCRIPT", "SISMEMBER", "SMEMBERS", "SMISMEMBER", "SSCAN", "TIME", "TTL", "XINFO", "XLEN", "XRANGE",
    "XREAD", "XREVRANGE", "ZCARD", "ZCOUNT", "ZDIFF", "ZINTER", "ZMSCORE", "ZRANGE", "ZRANGEBYSCORE", "ZREVRANGE",
    "ZREVRANGEBYSCORE", "ZSCAN", "ZSCORE",
})  # fmt: skip
_WORD = re.compile(r"[A-Za-z][A-Za-z.-]*")  # no number, and no id


def after(effect: str, reply: object) -> str:
    """Return the point behind an effect that came to that."""
    door, _, name = effect.partition(" ")
    if effect == "script dispatch":
        kind = _kind_of_work(reply)
        return f"after {effect}: {kind}" if kind in _WORK else f"after {effect}{NOTHING}"
    found_nothing = door == "script" and name.partition(":")[0] in _TAKES and not reply
    return f"after {effect}{NOTHING if found_nothing else ''}"


def _kind_of_work(reply: object) -> str:
    """Return what was dispatched; a pipeline returns that before what it waited for."""
    response = reply[0] if isinstance(reply, list) and reply else ""
    return _text(response[0] if isinstance(response, list) and response else response)


def script(name: str, arguments: Sequence[object]) -> str:
    at = _NAMED_BY.get(name)
    return f"script {name}" if at is None else f"script {name}: {_last_word(arguments[at])}"


def command(name: object, arguments: Sequence[object]) -> str | None:
    """None: it only reads."""
    verb, *_ = _text(name).split()
    if verb in _READS:
        return None
    key = _last_word(arguments[0]) if arguments else ""
    return f"redis {verb} {key}".rstrip()


def request(method: str, path: str) -> str:
    return f"{method} {_last_word(path)}"


def _last_word(value: object) -> str:
    words = [word for word in re.split("[:/]", _text(value)) if _WORD.fullmatch(word)]
    return words[-1] if words else ""


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
