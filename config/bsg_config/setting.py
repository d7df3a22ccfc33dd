"""Settings: each is an environment variable, declared as a field of a dataclass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, cast

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable.

    `default` is written as in the environment; None means that there is no default. `explanation` is Markdown.
    If `per_account`, a named account may have its own value, in the variable with the account's name.
    """

    name: str
    section: str
    default: str | None
    read: Callable[[Any], Any]
    explanation: str
    per_account: bool

    @property
    def field(self) -> str:
        """Return the name of the dataclass field that holds the value."""
        return self.name.lower()


def setting(section: str, default: str | None, read: Callable[[Any], Value], explanation: str) -> Value:
    """Declare a dataclass field as a setting. A type checker compares the field's type with what `read` returns."""
    declaration = {
        "section": section,
        "default": default,
        "read": read,
        "explanation": explanation,
    }
    return cast("Value", field(metadata=declaration))


def settings_of(table: type[Any], *, per_account: bool) -> tuple[Setting, ...]:
    """Return the settings that the fields of a dataclass declare, in their order."""
    return tuple(Setting(one.name.upper(), per_account=per_account, **one.metadata) for one in fields(table))
