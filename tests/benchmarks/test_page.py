from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.comparing import Goal, Row, Side, reached

from benchmarks import page, rows

ROW = Row(
    what="messages a second",
    against="a loop",
    unit="messages/s",
    sides=[Side("ours", lambda _: {"ours": 90.0, "loop": 100.0})],
    goals=[Goal("rate", "ours", over=("loop",), at_least=0.8), Goal("more", "ours", over=("loop",), at_least=0.95)],
    drawn=("ours", "loop"),
    if_not_met="the loop does less.",
)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(page, "MEASURED", tmp_path / "measured")
    monkeypatch.setattr(rows, "names", lambda: ["a_row", "not_measured"])
    monkeypatch.setattr(rows, "row", lambda _: ROW)
    page.PAGE.write_text(f"By hand.\n\n{page.BEGIN}\nold\n{page.END}\n\nBy hand too.\n", "utf-8")
    figures = {"ours": 90.0, "loop": 100.0}
    page.keep("a_row", ROW, figures, reached(ROW, [figures]), rounds=3)
    return page.PAGE


def test_only_what_stands_between_the_markers_is_replaced(kept: Path) -> None:
    page.write()
    page.write()

    text = kept.read_text("utf-8")
    assert text.startswith("By hand.\n\n")
    assert text.endswith("\n\nBy hand too.\n")
    assert "old" not in text
    assert text.count("### `a_row`") == 1


def test_the_table_says_of_each_goal_what_was_reached_and_whether_that_is_enough(kept: Path) -> None:
    page.write()

    lines = kept.read_text("utf-8").splitlines()
    assert "| `a_row` | rate | loop | at least 0.8 | 0.9 | met |" in lines
    assert "| `a_row` | more | loop | at least 0.95 | 0.9 | **not met** |" in lines
    assert "Why a goal is missed: the loop does less." in lines
    assert "    bar [90, 100]" in lines


def test_what_was_measured_names_the_machine_and_no_path(kept: Path) -> None:
    document = json.loads((page.MEASURED / "a_row.json").read_text("utf-8"))

    assert "cores" in document["machine"]
    assert "/" not in document["machine"].replace("/s", "")


def test_every_row_that_is_kept_still_has_the_goals_it_was_held_to() -> None:
    for path in page.MEASURED.glob("*.json"):
        assert path.stem in rows.names()
        reached_then = json.loads(path.read_text("utf-8"))["reached"]
        assert set(reached_then) == {goal.what for goal in rows.row(path.stem).goals}
