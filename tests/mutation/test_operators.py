"""An operator changes what the marker says and nothing else, in Python and in Lua."""

from __future__ import annotations

import pytest

from tests.mutation.operators import DoesNotApply, apply
from tests.mutation.source import Source


@pytest.mark.parametrize(
    ("operator", "line", "undone"),
    [
        ("never", "if held(x) and not late: go()", "if False: go()"),
        ("always", "kept = [x for x in found if x.held]", "kept = [x for x in found if True]"),
        ("never 2", "kept = a if b else c if d else e", "kept = a if b else c if False else e"),
        ("drop", "wait(f(x), y)", "pass"),
        ("without 1", "if a == b and f(c, d): go()", "if f(c, d): go()"),
        ("without 2", "if a in b and f(c, d): go()", "if a in b: go()"),
        ("without 4", "return a or (b and c)", "return a or (b)"),
        ("omit 2", "f(a, b(c), d)", "f(a,  d)"),
        ("omit 2", "f(a, b)", "f(a)"),
        ("item 2 False", "f(a, b(c))", "f(a, False)"),
        ("item 1 False", "f(kept=b(c))", "f(kept= False)"),
        ("unwrap 1", "return min(asked, MOST)", "return asked"),
        ("value 0", "losses = count(x)", "losses = 0"),
        ("replace < -> <=", "if a < b: go()", "if a <= b: go()"),
    ],
)
def test_a_line_of_python(operator: str, line: str, undone: str) -> None:
    assert apply(operator, Source(f"{line}\n", lua=False), 1) == f"{undone}\n"


@pytest.mark.parametrize(
    ("operator", "line", "undone"),
    [
        ("never", "if a == '1' or b then return { 'x' } end", "if false then return { 'x' } end"),
        ("drop", "if a == '1' or b then\n  c()\nend\nd()", "\nd()"),
        ("drop", "redis.call('ZADD', key, 1)", ""),
        ("without 1", "if a ~= '1' or number(b) > c then", "if number(b) > c then"),
        ("without 2", "if a ~= '1' or number(b) > c then", "if a ~= '1' then"),
        ("unwrap 2", "local x = math.max(now, cooled)", "local x = cooled"),
        ("value false", "local function held(x) return x == 1 end", "local function held(x) return false end"),
    ],
)
def test_a_line_of_lua(operator: str, line: str, undone: str) -> None:
    assert apply(operator, Source(f"{line}\n", lua=True), 1) == f"{undone}\n"


def test_a_dropped_block_of_python_takes_all_that_is_inside_it() -> None:
    source = "if a:\n    b(\n        1\n    )\n\n    c()\nd()\n"

    assert apply("drop", Source(source, lua=False), 1) == "pass\nd()\n"


def test_only_what_begins_on_the_marked_line_is_counted() -> None:
    source = "f(\n    a and b,\n    c and d,\n)\n"

    assert apply("without 2", Source(source, lua=False), 3) == "f(\n    a and b,\n    c,\n)\n"


@pytest.mark.parametrize("operator", ["never", "without 1", "item 9 x", "no_such 1"])
def test_an_operator_that_finds_nothing_says_so(operator: str) -> None:
    with pytest.raises(DoesNotApply):
        apply(operator, Source("a = f(b)\n", lua=False), 1)
