from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_messages.errors import CampaignInvalid
from bsg_messages.rejects import Violation
from bsg_messages.template import Template


def refusal_of(text: str) -> str:
    with pytest.raises(CampaignInvalid) as raised:
        Template.parse(text)
    assert raised.value.errors.keys() == {"text"}
    return raised.value.errors["text"][0]


def rendered(text: str, **fields: Any) -> str:
    return Template.parse(text).render(fields)


def test_fields_are_replaced_by_their_values() -> None:
    assert rendered("Hi {{ name }}, see you {{ day }}!\n", name="Олена", day=5) == "Hi Олена, see you 5!\n"


def test_a_template_knows_the_fields_that_it_names() -> None:
    template = Template.parse("{{ a|upper }}{% if b %}{{ c }}{% elif d == 'x' %}{% else %}{{ e|d('') }}{% endif %}")

    assert template.fields == ("a", "b", "c", "d", "e")


@pytest.mark.parametrize("value", [None, "", "  ", "\n"])
def test_a_field_that_is_null_or_blank_is_missing(value: object) -> None:
    with pytest.raises(Violation) as raised:
        rendered("Hi {{ name }}", name=value)
    assert raised.value.field == "name"


def test_a_field_that_is_not_there_is_missing_even_behind_a_filter() -> None:
    with pytest.raises(Violation):
        rendered("Hi {{ name|upper|truncate(5) }}")


@pytest.mark.parametrize("value", [None, "", " "])
def test_a_default_stands_in_for_what_is_missing(value: object) -> None:
    assert rendered("Hi {{ name|default('friend') }}", name=value) == "Hi friend"
    assert rendered("Hi {{ name|upper|d('friend') }}", name=value) == "Hi friend"
    assert rendered("Hi{{ name|default('') }}.", name=value) == "Hi."


def test_zero_is_a_value() -> None:
    assert rendered("{{ n }} left", n=0) == "0 left"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("{{ x|upper }}", "straße", "STRASSE"),
        ("{{ x|lower }}", "ABC", "abc"),
        ("{{ x|title }}", "foo-bar (baz) o'neil", "Foo-Bar (Baz) O'neil"),
        ("{{ x|capitalize }}", "fOO bar", "Foo bar"),
        ("{{ x|trim }}", "  a ", "a"),
        ("{{ x|truncate(9) }}", "foo bar baz qux", "foo..."),
        ("{{ x|truncate(9, true, '') }}", "foo bar baz qux", "foo bar b"),
        ("{{ x|truncate(11) }}", "foo bar baz qux", "foo bar baz qux"),
        ("{{ x|truncate(11, leeway=0, end='~') }}", "foo bar baz qux", "foo bar~"),
        ("{{ 'a' }}{{ 5 }}{# note #}{% raw %}{{ x }}{% endraw %}", "b", "a5{{ x }}"),
    ],
)
def test_filters_do_what_jinja2_has_them_do(text: str, value: str, expected: str) -> None:
    assert rendered(text, x=value) == expected


@pytest.mark.parametrize(
    ("test", "fields", "holds"),
    [
        ("vip", {"vip": True}, True),
        ("vip", {"vip": 0}, False),
        ("vip", {}, False),
        ("not vip", {}, True),
        ("city == 'Kyiv'", {"city": "Kyiv"}, True),
        ("city != 'Kyiv'", {}, True),
        ("city == 'Kyiv' or vip", {"vip": "yes"}, True),
        ("city == 'Kyiv' and vip", {"vip": "yes"}, False),
        ("age >= 18", {"age": "20"}, True),
        ("age >= 18", {"age": "9"}, False),
        ("age >= 18", {"age": "old"}, True),
        ("age < 18", {}, False),
        ("1 < age <= 3", {"age": 3}, True),
        ("name|lower == 'bob'", {"name": "BOB"}, True),
    ],
)
def test_an_if_tests_fields(test: str, fields: dict[str, Any], holds: bool) -> None:
    assert rendered("{% if " + test + " %}yes{% else %}no{% endif %}", **fields) == ("yes" if holds else "no")


def test_only_the_chosen_branch_needs_its_fields() -> None:
    text = "{% if vip %}{{ gift }}{% elif city %}{{ city }}{% else %}plain{% endif %}"

    assert rendered(text, city="Kyiv") == "Kyiv"
    assert rendered(text) == "plain"
    with pytest.raises(Violation):
        rendered(text, vip=1)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'x' * 10**9 }}",
        "{{ name * 1000 }}",
        "{{ name.upper() }}",
        "{{ name.__class__ }}",
        "{{ name['x'] }}",
        "{{ range(10) }}",
        "{{ [1, 2] }}",
        "{{ {'a': 1} }}",
        "{{ a ~ b }}",
        "{{ a + b }}",
        "{{ a if b else c }}",
        "{{ a == b }}",
        "{{ not a }}",
        "{{ none }}",
        "{{ true }}",
        "{{ a is defined }}",
        "{{ a|replace('x', 'y' * 99) }}",
        "{{ a|join }}",
        "{{ a|center(1000000000) }}",
        "{{ a|upper('x') }}",
        "{{ a|truncate }}",
        "{{ a|truncate(100000000) }}",
        "{{ a|truncate(1) }}",
        "{{ a|truncate(true) }}",
        "{{ a|truncate(n) }}",
        "{{ a|truncate(5, length=6) }}",
        "{{ a|default }}",
        "{{ a|default(b) }}",
        "{{ a|default(*b) }}",
        "{{ 'x'|upper }}",
        "{% for x in y %}{% endfor %}",
        "{% set x = 1 %}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block b %}{% endblock %}",
        "{% filter upper %}x{% endfilter %}",
        "{% with a = 1 %}{% endwith %}",
        "{% if x in y %}{% endif %}",
        "{% if x is none %}{% endif %}",
        "{% if x() %}{% endif %}",
        "{% if x == none %}{% endif %}",
        "{{ name",
        "{% if a %}",
        "}} {{ }}",
        "{{ a|upper" + "|upper" * 100 + " }}",
        "{% if " + "not " * 300 + "a %}{% endif %}",
        "{% if a %}" * 100 + "{% endif %}" * 100,
        "{{ " + "(" * 1500 + "a" + ")" * 1500 + " }}",
        "x" * 4001,
    ],
)
def test_whatever_could_run_code_or_grow_is_refused(text: str) -> None:
    assert len(refusal_of(text)) > 20


def test_a_refusal_names_the_line() -> None:
    assert refusal_of("one\ntwo\n{{ a.b }}").startswith("line 3:")
    assert refusal_of("one\n{{ a").startswith("line 2:")


def test_rendering_is_bounded_whatever_the_fields_hold() -> None:
    template = Template.parse("{{ a|upper }}" * 300)
    started = time.perf_counter()

    text = template.render({"a": "ß" * 10_000_000})

    assert len(text) == 766
    assert time.perf_counter() - started < 0.5


TEMPLATES = (
    "Hi {{ name }}, see you {{ day }}",
    "{{ name|upper|default('friend') }}{{ day|truncate(5) }}",
    "{{ name|d('') }}{{ day|title }}{{ name|d(3)|lower }}",
    "{% if name == 'a' %}{{ day }}{% else %}-{{ name }}{% endif %}",
    "no field",
    "",
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300)


@given(
    text=st.sampled_from(TEMPLATES),
    rows=st.lists(st.tuples(VALUES, VALUES), max_size=6),
)
def test_whole_columns_are_rendered_as_row_by_row(text: str, rows: list[tuple[Any, Any]]) -> None:
    template = Template.parse(text)

    def alone(fields: dict[str, Any]) -> str | None:
        try:
            return template.render(fields)
        except Violation:
            return None

    columns = {"name": [name for name, _ in rows], "day": [day for _, day in rows]}
    assert template.render_columns(columns, len(rows)) == [alone({"name": n, "day": d}) for n, d in rows]


def test_one_long_value_is_cut_as_it_is_row_by_row_and_spoils_no_other() -> None:
    template = Template.parse("Hi {{ name|upper }}, see you")
    names = ["ß" * 4000, "Bob", None, *["Ann"] * 20]

    texts = template.render_columns({"name": names}, len(names))

    assert texts[:2] == [template.render({"name": names[0]}), "Hi BOB, see you"]
    assert texts[2] is None
    assert len(texts[0] or "") == 766
    assert template.render_columns({"name": ["x" * 4000] * 2}, 2) == [template.render({"name": "x" * 4000})] * 2
