"""The table of guards cannot rot: it fits the markers in the source, and what it says can be done."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.exhaustive.sizes import DEEP, QUICK
from tests.mutation.catching import is_test
from tests.mutation.guard import ROOT, TABLE, Guard, TableRotten, find_markers, find_tests, fit, read_table

GUARDS = read_table(TABLE.read_text("utf-8"), find_tests())


def test_each_row_has_one_marker_and_each_marker_a_row() -> None:
    placed = fit(GUARDS, ROOT)

    assert [guard for guard, _ in placed] == list(GUARDS)


def test_python_without_a_guard_still_compiles() -> None:
    for guard, location in fit(GUARDS, ROOT):
        if location.file.suffix == ".py":
            ast.parse(guard.undone(location), str(guard))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("if held: pass\n", "the source has 0 times the marker 'lease-held'"),
        ("if held: pass  # guard: lease-held\n" * 2, "the source has 2 times the marker 'lease-held'"),
        ("held = True  # guard: lease-held\n", "lease-held | never: there are 0, not 1"),
        ("if False: pass  # guard: lease-held\n", "lease-held | never changes nothing"),
        ("if held: pass  # guard: lease-held\na = 1  # guard: other\n", "no row for the markers other"),
    ],
)
def test_a_table_that_does_not_fit_the_source_says_what_to_mend(tmp_path: Path, source: str, problem: str) -> None:
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "file.py").write_text(source)
    guards = read_table("lease-held | never | two workers\n", {})

    with pytest.raises(TableRotten) as caught:
        fit(guards, tmp_path)

    assert problem in str(caught.value)


def test_each_row_is_there_once_and_in_order() -> None:
    rows = [line for line in TABLE.read_text("utf-8").splitlines() if " | " in line and not line.startswith("#")]

    assert rows == sorted(rows)
    assert len({str(guard) for guard in GUARDS}) == len(rows)


def test_what_catches_a_guard_is_a_test_or_a_size_of_the_exploration() -> None:
    sizes = {size.name for size in (*QUICK, *DEEP)}
    catchers = {catcher for guard in GUARDS for catcher in guard.caught_by}

    assert {catcher for catcher in catchers if not is_test(catcher)} <= sizes


def test_every_script_of_the_ledger_has_a_guard_in_the_table() -> None:
    folder = ROOT / "ledger" / "bsg_ledger" / "lua"
    decide_nothing = {
        *(folder / "shared" / f"{name}.lua" for name in ("keys", "basics", "at_bsg")),
        *(folder / "accounts" / f"{name}.lua" for name in ("open_gate", "shut_gate", "note_balance")),
        *(folder / "suppressions" / f"{name}.lua" for name in ("suppress", "unsuppress")),
        folder / "limiter" / "state.lua",
    }
    scripts = {file.relative_to(ROOT) for file in {*folder.rglob("*.lua")} - decide_nothing}

    assert scripts <= {location.file for locations in find_markers().values() for location in locations}


def test_a_row_names_a_test_by_its_name_alone_wherever_it_is() -> None:
    table = "# why\nlease | without 2, hangs | is_held[early]; two workers\n"

    guards = read_table(table, {"test_is_held": ["tests/a.py"]})

    assert guards == (Guard("lease", "without 2", ("tests/a.py::test_is_held[early]", "two workers"), hangs=True),)


def test_a_row_whose_test_could_be_either_of_two_says_so() -> None:
    with pytest.raises(TableRotten, match=r"test_is_held is in tests/a.py, tests/b.py"):
        read_table("lease | never | is_held\n", {"test_is_held": ["tests/a.py", "tests/b.py"]})
