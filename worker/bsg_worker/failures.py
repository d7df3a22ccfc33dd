"""Report unforeseen failures of tasks without their contents."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

Parameters = ParamSpec("Parameters")

_FRAMES_SHOWN = 6


_SUBJECT = "subject"


class TaskFailed(Exception):
    """An exception that names the type and the location of another one, but not its message.

    Messages of exceptions appear in the log and in Flower, and they may quote a phone or a text. `failure` is the type
    and the location. `subject` is what the task was about, such as campaign, batch and attempt.
    """

    def __init__(self, failure: str, subject: Mapping[str, object]) -> None:
        about = "".join(f", {name} {value}" for name, value in subject.items())
        super().__init__(f"{failure}{about}")
        self.failure = failure
        self.subject = subject

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskFailed, (self.failure, self.subject)


@contextmanager
def concerning(**subject: object) -> Iterator[None]:
    """Let `TaskFailed` name the subject of an exception: ids and counts, nothing of a message."""
    try:
        yield
    except Exception as error:
        error.__dict__.setdefault(_SUBJECT, subject)
        raise


def without_contents(verb: Callable[Parameters, str]) -> Callable[Parameters, str]:
    """Return the verb so that each of its exceptions becomes `TaskFailed`."""

    @wraps(verb)
    def run(*arguments: Parameters.args, **named: Parameters.kwargs) -> str:
        try:
            return verb(*arguments, **named)
        except Exception as error:  # any message may quote a phone or a text
            failure = f"{type(error).__name__} at {_frames(error)}"
            raise TaskFailed(failure, error.__dict__.get(_SUBJECT, {})) from None

    return run


def _frames(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_SHOWN:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
