"""Report unforeseen failures of tasks without their contents."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

Parameters = ParamSpec("Parameters")

_FRAMES_SHOWN = 6


class TaskFailed(Exception):
    """An exception that names the type and the location of another one, but not its message.

    Messages of exceptions appear in the log and in Flower, and they may quote a phone or a text.
    """


def without_contents(verb: Callable[Parameters, str]) -> Callable[Parameters, str]:
    """Return the verb so that each of its exceptions becomes `TaskFailed`."""

    @wraps(verb)
    def run(*arguments: Parameters.args, **named: Parameters.kwargs) -> str:
        try:
            return verb(*arguments, **named)
        except Exception as error:  # any message may quote a phone or a text
            raise TaskFailed(f"{type(error).__name__} at {_frames(error)}") from None

    return run


def _frames(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_SHOWN:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
