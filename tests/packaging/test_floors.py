"""Imports go down the floors of docs/architecture.md, and never in a circle: those inside functions and strings too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Set
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BELOW: Mapping[str, Set[str]] = {
    "messages": set(),
    "config": set(),
    "ledger": {"messages", "config"},
    "client": {"messages", "config", "ledger"},
    "broker": {"messages", "config", "ledger"},
    "producer": {"messages", "config", "ledger", "client", "broker"},
    "worker": {"messages", "config", "ledger", "client", "broker"},
    "monitor": {"messages", "config", "ledger", "client", "broker", "producer", "worker"},
    "cli": {"messages", "config", "ledger", "client", "broker", "producer", "worker", "sandbox"},
    "campaigns_django": {"messages", "config", "ledger", "broker", "producer"},
    "sandbox": set(),
    "testing": {
        *("messages", "config", "ledger", "client", "broker", "producer", "worker", "cli", "sandbox"),
        "campaigns_django",
    },
}
# "module" or "module:attribute", as import_module, Celery and kombu take them; an f-string's beginning is its package.
_BY_STRING = re.compile(r"(?P<module>bsg_\w+(?:\.\w+)*)\.?(?::\w+)?")
_IMPORTERS = frozenset({"import_module", "__import__", "find_spec", "run_module"})


def source_files() -> dict[str, Path]:
    """Return every module of ours by its name."""
    found = {}
    for folder in BELOW:
        for path in (ROOT / folder / f"bsg_{folder}").rglob("*.py"):
            name = ".".join(path.relative_to(ROOT / folder).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


FILES = source_files()


def imports_in(source: str, modules: Set[str]) -> set[str]:
    """Return the modules of ours that a source imports, whether it does so at its top, in a function or by a string."""
    return {_longest_known(name, modules) for name in _imported_names(ast.parse(source))} - {""}


def _imported_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Constant(value=str(text)), *_]):
                if name in _IMPORTERS:
                    yield text
            case ast.Constant(value=str(text)):
                if "." in text and (match := _BY_STRING.fullmatch(text)):
                    yield match["module"]


def _longest_known(name: str, modules: Set[str]) -> str:
    """Return the module that a dotted name leads to, without the attributes behind it; "" for what is not ours."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


@cache
def imports() -> Mapping[str, set[str]]:
    """Return what each module of ours imports of ours."""
    return {name: imports_in(path.read_text("utf-8"), FILES.keys()) - {name} for name, path in FILES.items()}


def folder_of(module: str) -> str:
    return module.partition(".")[0].removeprefix("bsg_")


def imports_up() -> set[str]:
    """Return what a package imports that is not below it."""
    return {
        f"{module} imports {imported}"
        for module, names in imports().items()
        for imported in names
        if folder_of(imported) not in {folder_of(module), *BELOW[folder_of(module)]}
    }


def modules_in_circles() -> set[str]:
    """Return the modules that import each other, and those that import these."""
    left = {module: set(names) for module, names in imports().items()}
    while free := {module for module, names in left.items() if not names & left.keys()}:
        left = {module: names for module, names in left.items() if module not in free}
    return set(left)


def test_a_package_imports_only_what_is_below_it() -> None:
    assert {folder_of(module) for module in FILES} == set(BELOW)
    assert imports_up() == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert len(FILES) > 200
    assert modules_in_circles() == set()


def test_nothing_that_is_shipped_imports_what_is_not() -> None:
    unshipped = {
        module
        for module, path in FILES.items()
        for name in _imported_names(ast.parse(path.read_text("utf-8")))
        if name.partition(".")[0] in {"tests", "benchmarks", "examples"}
    }

    assert unshipped == set()


@pytest.mark.parametrize(
    "source",
    [
        "import bsg_worker.tasks",
        "from bsg_worker import tasks",
        "from bsg_worker.tasks import sweep_task",
        "def later():\n    from bsg_worker.tasks import sweep_task",
        "if TYPE_CHECKING:\n    import bsg_worker.tasks",
        "import_module('bsg_worker.tasks')",
        "Celery('x', include=['bsg_worker.tasks'])",
        "options = {'queue_order_strategy': 'bsg_worker.tasks:Order'}",
    ],
)
def test_an_import_is_seen_however_it_is_written(source: str) -> None:
    assert imports_in(source, {"bsg_worker", "bsg_worker.tasks"}) == {"bsg_worker.tasks"}


def test_a_module_whose_name_is_put_together_counts_as_its_package() -> None:
    assert imports_in("import_module(f'bsg_worker.{name}')", {"bsg_worker", "bsg_worker.tasks"}) == {"bsg_worker"}


def test_a_metric_that_is_called_as_a_package_is_no_import() -> None:
    assert imports_in("Gauge('bsg_messages')", {"bsg_messages"}) == set()
