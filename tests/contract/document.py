"""BSG's OpenAPI document, and what it says of each operation. It is not in the repository: BSG_OPENAPI names it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

ROOT = Path(__file__).parents[2]
VARIABLE = "BSG_OPENAPI"
DEFAULT = Path("..", "shared", "bsg-openapi.yaml")
_BASE = "urn:bsg"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_METHODS = ("get", "post", "put", "patch", "delete")

FORMATS = FormatChecker(formats=())
# The document's format is date-time, its descriptions and examples are "Y-m-d H:i:s": see KNOWN_ERRORS.
FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or _MOMENT.fullmatch(value) is not None)


class _Loader(yaml.CSafeLoader):
    """YAML without times, which are strings to JSON, and without `=`, which is an operator here."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, form) for tag, form in resolvers if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
    ]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def path_of_document() -> Path:
    """Return where the document should be."""
    return Path(os.environ.get(VARIABLE) or ROOT / DEFAULT)


def missing_document() -> str | None:
    """Return what to say when there is no document; None when there is one."""
    path = path_of_document()
    if path.is_file():
        return None
    named = os.environ.get(VARIABLE) or DEFAULT
    return f"There is no OpenAPI document of BSG's at {named}. {VARIABLE} names another file."


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    described: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return method and path."""
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the schemas of the query's parameters by name."""
        return {each["name"]: each["schema"] for each in self.described.get("parameters", ()) if each["in"] == "query"}

    @property
    def required_parameters(self) -> list[str]:
        """Return the names of the query's parameters that have to be there."""
        return [
            each["name"] for each in self.described.get("parameters", ()) if each["in"] == "query" and each["required"]
        ]

    @property
    def body(self) -> Mapping[str, Any] | None:
        """Return the schema of the request's body."""
        return None if "requestBody" not in self.described else _json(self.described["requestBody"])["schema"]

    def response(self, status: int) -> Mapping[str, Any] | None:
        """Return the schema of the response with this status; None when the document has no such response."""
        found = self.described["responses"].get(str(status))
        return None if found is None else _json(found)["schema"]

    def examples(self) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
        """Return every example with its name and the schema that it should fit."""
        locations = {f"response {status}": found for status, found in self.described["responses"].items()}
        if "requestBody" in self.described:
            locations["request"] = self.described["requestBody"]
        for location, found in locations.items():
            content = _json(found)
            named = {name: each["value"] for name, each in content.get("examples", {}).items()}
            if "example" in content:
                named["example"] = content["example"]
            for name, value in named.items():
                yield f"{self.name}, {location}, {name}", content["schema"], value


class Document:
    """The document, with a registry in which its references are found."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self._registry: Registry[Any] = Registry().with_resource(_BASE, DRAFT4.create_resource(content))

    def operations(self) -> list[Operation]:
        """Return all operations."""
        return [
            Operation(method.upper(), path, described)
            for path, methods in self.content["paths"].items()
            for method, described in methods.items()
            if method in _METHODS
        ]

    def operation(self, method: str, path: str) -> Operation:
        """Return one operation; raise KeyError."""
        return Operation(method, path, self.content["paths"][path][method.lower()])

    def errors(self, schema: Mapping[str, Any], value: Any, formats: FormatChecker = FORMATS) -> list[ValidationError]:
        """Return in what a value does not fit a schema."""
        validator = OAS30Validator(_absolute(schema), registry=self._registry, format_checker=formats)
        return list(validator.iter_errors(value))

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a schema without a reference at its top."""
        while "$ref" in schema:
            schema = self._registry.resolver(_BASE).lookup(schema["$ref"]).contents
        return schema


@cache
def raw_content() -> Mapping[str, Any]:
    """Read the document, once for all tests."""
    content: Mapping[str, Any] = yaml.load(path_of_document().read_bytes(), _Loader)  # noqa: S506 - a safe loader
    return content


def _json(described: Mapping[str, Any]) -> Mapping[str, Any]:
    content: Mapping[str, Any] = described["content"]["application/json"]
    return content


def _absolute(schema: Any) -> Any:
    """Write references with the document's own name: a validator of a part of it does not know what it is a part of."""
    if isinstance(schema, Mapping):
        return {
            name: _BASE + value if name == "$ref" and isinstance(value, str) else _absolute(value)
            for name, value in schema.items()
        }
    return [_absolute(each) for each in schema] if isinstance(schema, list) else schema
