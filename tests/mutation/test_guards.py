"""The list of guards cannot rot: what it says of the sources is still so."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.exhaustive.sizes import DEEP, QUICK
from tests.mutation.catching import is_test
from tests.mutation.guard import ROOT, Guard, ListRotten, guards_of
from tests.mutation.guards import GUARDS

LUA = ROOT / "ledger" / "bsg_ledger" / "lua"


@pytest.mark.parametrize("file", sorted({guard.file for guard in GUARDS}))
def test_each_guard_is_in_its_file_once_and_can_be_undone(file: str) -> None:
    source = (ROOT / file).read_text("utf-8")

    for guard in (guard for guard in GUARDS if guard.file == file):
        undone = guard.undone(source)
        assert undone != source
        if file.endswith(".py"):
            ast.parse(undone)


def test_a_guard_that_is_no_longer_there_is_told_with_the_remedy() -> None:
    (guard,) = guards_of("a/file.py", ("a guard", "if held:", "if True:", "tests/some.py::test"))

    for source in ("if not held:", "if held: if held:"):
        with pytest.raises(ListRotten, match="a/file.py has . times .*mend the list"):
            guard.undone(source)


def test_each_guard_is_told_apart_by_its_sentence_and_file() -> None:
    again = {
        name: times for name, times in Counter((guard.sentence, guard.file) for guard in GUARDS).items() if times > 1
    }

    assert not again


def test_what_catches_a_guard_exists() -> None:
    sizes = {size.name for size in (*QUICK, *DEEP)}
    missing = [
        catcher
        for catcher in sorted({catcher for guard in GUARDS for catcher in guard.caught_by})
        if not (_is_defined(catcher) if is_test(catcher) else catcher in sizes)
    ]

    assert not missing


def test_every_script_of_the_ledger_has_a_guard_in_the_list() -> None:
    listed = {Path(guard.file).name for guard in GUARDS if Path(guard.file).suffix == ".lua"}

    assert {script.name for script in LUA.glob("*.lua")} <= listed


def _is_defined(test: str) -> bool:
    file, _, name = test.partition("::")
    return f"def {name.partition('[')[0]}(" in (ROOT / file).read_text("utf-8")


def test_a_guard_says_what_catches_it() -> None:
    assert all(isinstance(guard, Guard) and guard.caught_by for guard in GUARDS)
