"""From a good request: each value at the edge of what a schema allows, and each just beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.contract.document import Document, Operation

NONSENSE = "nonsense"
MOMENT = "2026-03-20 00:00:00"


@dataclass(frozen=True)
class Variant:
    """A value in place of a good one, and whether the document allows it."""

    name: str
    value: Any
    is_allowed: bool


def body_variants(document: Document, operation: Operation, good: Any) -> Iterator[Variant]:
    """Return bodies of an operation."""
    schema = document.resolved(operation.body or {})
    if "oneOf" in schema:
        schema = document.resolved({"$ref": schema["discriminator"]["mapping"][good["type"]]})
    yield from _object_variants(document, schema, good, "")


def query_variants(document: Document, operation: Operation, good: Mapping[str, str]) -> Iterator[Variant]:
    """Return queries of an operation. All that a query has is text."""
    for name in operation.required_parameters:
        yield Variant(f"no {name}", {key: value for key, value in good.items() if key != name}, False)
    for name, schema in operation.parameters.items():
        for variant in _value_variants(document, schema, good.get(name), name):
            if (
                isinstance(variant.value, bool | int)
                or variant.value in (NONSENSE, MOMENT)
                or isinstance(variant.value, str)
            ):
                yield Variant(variant.name, {**good, name: str(variant.value)}, variant.is_allowed)


def _object_variants(
    document: Document, schema: Mapping[str, Any], good: Mapping[str, Any], at: str
) -> Iterator[Variant]:
    for name in schema.get("required", ()):
        yield Variant(f"no {at}{name}", {key: value for key, value in good.items() if key != name}, False)
    for name, described in schema["properties"].items():
        for variant in _value_variants(document, described, good.get(name), f"{at}{name}"):
            yield Variant(variant.name, {**good, name: variant.value}, variant.is_allowed)
        if document.resolved(described).get("type") != "string":
            yield Variant(f"{at}{name} is text", {**good, name: NONSENSE}, False)
        else:
            yield Variant(f"{at}{name} is a number", {**good, name: 5}, False)


def _value_variants(document: Document, schema: Mapping[str, Any], good: Any, name: str) -> Iterator[Variant]:
    schema = document.resolved(schema)
    kind = schema.get("type")
    if "enum" in schema:
        yield from (Variant(f"{name} is {value}", value, True) for value in schema["enum"])
        yield Variant(f"{name} is {NONSENSE}", NONSENSE, False)
    elif kind == "integer":
        yield from _bounds(schema, "minimum", "maximum", lambda number: number, name)
        yield Variant(f"{name} is {NONSENSE}", NONSENSE, False)
    elif kind == "boolean":
        yield from (Variant(f"{name} is {value}", value, True) for value in (True, False))
    elif schema.get("format") == "date-time":
        yield Variant(f"{name} is a moment", MOMENT, True)
        yield Variant(f"{name} is {NONSENSE}", NONSENSE, False)
    elif kind == "array":
        yield from _array_variants(document, schema, good, name)
    else:
        yield from _bounds(schema, "minLength", "maxLength", lambda size: _text(good, size), name)


def _array_variants(document: Document, schema: Mapping[str, Any], good: Any, name: str) -> Iterator[Variant]:
    if not good:
        return
    items = document.resolved(schema["items"])
    yield from _bounds(schema, "minItems", "maxItems", lambda size: _items(good[0], size), name)
    if schema.get("uniqueItems"):
        yield Variant(f"{name} has an item twice", [good[0], good[0]], False)
    inner = (
        _object_variants(document, items, good[0], f"{name}.0.")
        if "properties" in items
        else _value_variants(document, items, good[0], f"{name}.0")
    )
    for variant in inner:
        yield Variant(variant.name, [variant.value, *good[1:]], variant.is_allowed)


def _bounds(schema: Mapping[str, Any], least: str, most: str, of: Callable[[int], Any], name: str) -> Iterator[Variant]:
    if least in schema:
        yield Variant(f"{name}: {least}", of(schema[least]), True)
        if least == "minimum" or schema[least] > 0:
            yield Variant(f"{name}: below {least}", of(schema[least] - 1), False)
    if most in schema:
        yield Variant(f"{name}: {most}", of(schema[most]), True)
        yield Variant(f"{name}: above {most}", of(schema[most] + 1), False)


def _text(good: Any, size: int) -> str:
    return str(good or "a").ljust(size, "a")[:size]


def _items(good: Any, size: int) -> list[Any]:
    if isinstance(good, int):
        return [good + number for number in range(size)]
    if not isinstance(good, dict):
        return [good] * size
    numbered = next(name for name in ("phone", "number") if name in good)
    return [
        {**good, numbered: good[numbered] + number, "reference_id": f"{good['reference_id']}x{number}"}
        for number in range(size)
    ]
