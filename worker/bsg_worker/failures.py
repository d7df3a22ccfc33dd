"""What a task says when it fails in a way that nobody foresaw."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

Parameters = ParamSpec("Parameters")

_FRAMES_SHOWN = 6


class TaskFailed(Exception):
    """Names the kind of the exception and where it was raised, and nothing that it says.

    What an exception says goes to the log and to Flower, and it may quote a phone or a text.
    """


def without_contents(verb: Callable[Parameters, str]) -> Callable[Parameters, str]:
    """Has every exception of the verb leave it as `TaskFailed`."""

    @wraps(verb)
    def run(*arguments: Parameters.args, **named: Parameters.kwargs) -> str:
        try:
            return verb(*arguments, **named)
        except Exception as error:
            raise TaskFailed(f"{type(error).__name__} at {_frames(error)}") from None

    return run


def _frames(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_SHOWN:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
