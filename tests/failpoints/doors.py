"""The four doors through which every effect of the product goes, watched from outside: it knows nothing of it.

They are the scripts, the other commands to Redis, the requests to BSG, and the sleep. Commands to Redis that other
libraries send, such as Celery's own, are not the product's.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from types import FrameType
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError

from bsg_client.wire import Wire
from bsg_config import clock
from bsg_ledger.scripts import SHARED, Scripts, source
from tests.failpoints import effects

ROOT = Path(__file__).parents[2]
Observe = Callable[[str], object]
Undo = Callable[[], None]


def watch(observe: Observe) -> Undo:
    """Has `observe` called with `before EFFECT` and `after EFFECT` from now on, in the thread that has the effect.

    After a call that raised, too: what it was for may have happened. Returns what ends it.
    """
    ends = [
        _wrap(Scripts, "run", observe, _of_run),
        _wrap(redis.Redis, "execute_command", observe, _of_command),
        _wrap(Pipeline, "execute", observe, _of_pipeline),
        _wrap(Wire, "request", observe, _of_request),
        _wrap(clock, "sleep", observe, _of_sleep),
    ]

    def undo() -> None:
        for end in reversed(ends):
            end()

    return undo


@contextmanager
def watched(observe: Observe) -> Iterator[None]:
    undo = watch(observe)
    try:
        yield
    finally:
        undo()


def _wrap(owner: Any, name: str, observe: Observe, effect_of: Callable[..., str | None]) -> Undo:
    original = getattr(owner, name)

    @wraps(original)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        effect = effect_of(*arguments)
        if effect is None:
            return original(*arguments, **options)
        observe(f"before {effect}")
        try:
            reply = original(*arguments, **options)
        except NoScriptError:  # nothing has happened: the same is tried with the script's text
            raise
        except BaseException:  # the effect may have happened, whatever ended the call
            observe(f"after {effect}")
            raise
        observe(effects.after(effect, reply))
        return reply

    setattr(owner, name, wrapper)
    return lambda: setattr(owner, name, original)


def _of_run(_scripts: Scripts, name: str, *arguments: object) -> str:
    return effects.script(name, arguments)


def _of_command(_client: redis.Redis, name: object, *arguments: Any) -> str | None:
    return _effect(name, arguments) if _is_ours() else None


def _of_pipeline(pipeline: Pipeline) -> str | None:
    if not _is_ours():
        return None
    found = [effect for (name, *arguments), _ in pipeline.command_stack if (effect := _effect(name, arguments))]
    scripts = [effect for effect in found if effect.startswith("script ")]
    return next(reversed(scripts or found), None)


def _effect(name: object, arguments: Sequence[Any]) -> str | None:
    if name not in ("EVALSHA", "EVAL"):
        return effects.command(name, arguments)
    digest, _keys, *rest = arguments
    return effects.script(_names_by_digest().get(digest, digest), rest)


def _of_request(_wire: Wire, method: str, path: str) -> str:
    return effects.request(method, path)


def _of_sleep(_seconds: float) -> str:
    return effects.SLEEP


def _is_ours() -> bool:
    """Return whether the first caller outside of the client for Redis is the product, other than by a script."""
    frame = sys._getframe(3)
    while frame.f_back is not None and _module_of(frame).startswith(("redis.", __name__)):
        frame = frame.f_back
    return _module_of(frame).startswith("bsg_") and _module_of(frame) != Scripts.__module__


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


@cache
def _names_by_digest() -> dict[str, str]:
    """Return the scripts that do not run through `Scripts`, and those of the ledger by digest and by text, for
    pipelines."""
    files = list(ROOT.glob("*/bsg_*/**/*.lua"))
    alone = {hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest(): file.stem for file in files}
    of_ledger = [file.stem for file in files if file.parents[1].name == "lua" and file.parent.name != SHARED]
    return alone | {named: name for name in of_ledger for named in source(name)}
