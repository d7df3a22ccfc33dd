"""Messages as callers type them: mappings, dataclasses and pydantic models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, Required, TypedDict, cast


class Message(TypedDict, total=False):
    """A message, for type checkers. Derive a class with the fields of your template.

    >>> class OrderMessage(Message):
    ...     order: int
    >>> message: OrderMessage = {"phone": "+380 66 123-12-31", "order": 1742}
    >>> orders = producer.stream("orders", sender="MyShop", text="Order {{ order }} is on its way")
    >>> orders.send(message).duplicate
    False
    """

    phone: Required[str | int]
    text: str
    sender: str
    reference_id: str
    tariff_code: int
    transliterate: bool


class Dataclass(Protocol):
    """An instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class Model(Protocol):
    """A pydantic model."""

    def model_dump(self) -> dict[str, Any]: ...


MessageLike = Mapping[str, Any] | Dataclass | Model


def as_mapping(message: MessageLike) -> Mapping[str, Any]:
    """Return a dataclass or a model as a mapping of its fields. Return anything else as it is: it is checked later."""
    if isinstance(message, Mapping):
        return message
    fields: object = message
    try:
        if dataclasses.is_dataclass(message) and not isinstance(message, type):
            fields = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
        elif callable(getattr(type(message), "model_dump", None)):
            fields = cast(Model, message).model_dump()
    except Exception:  # noqa: S110 - one bad message never stops the others
        pass
    return cast(Mapping[str, Any], fields)


def as_mappings(messages: Iterable[MessageLike]) -> Iterator[Mapping[str, Any]]:
    return map(as_mapping, messages)
