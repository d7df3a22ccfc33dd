"""Every row of the table is a module here, with its `ROW`; the modules' names are what `--only` takes."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from benchmarks.comparing import Row


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def row(name: str) -> Row:
    found: Row = import_module(f"{__name__}.{name}").ROW
    return found
