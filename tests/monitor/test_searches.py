"""What is searched for is kept in memory under a name that says nothing about it."""

from __future__ import annotations

import pytest

from bsg_monitor import searches
from bsg_monitor.searches import Searches


def test_a_text_is_kept_under_a_name_that_another_process_does_not_know() -> None:
    one, other = Searches(), Searches()
    name = one.put("380661231231")

    assert one.get(name) == "380661231231"
    assert one.put("380661231231") == name
    assert other.put("380661231231") != name
    assert other.get(name) is None
    assert "380661231231" not in name


def test_the_oldest_text_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "SEARCHES_KEPT", 2)
    kept = Searches()
    names = [kept.put(text) for text in ("a", "b", "a", "c")]

    assert [kept.get(name) for name in names] == ["a", None, "a", "c"]
