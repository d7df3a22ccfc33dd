"""Templates from anywhere: refused with their line, or rendered within the bounds of an SMS, in no time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_messages.rejects import Violation
from bsg_messages.rules import MAX_CHARACTERS
from bsg_messages.template import Template
from bsg_producer import CampaignInvalid

PIECES = (
    *("{{", "}}", "{%", "%}", "{#", "#}", " ", "name", "day", "if ", "elif ", "else", "endif", "for ", "in ", "not "),
    *("and ", "or ", "|upper", "|title", "|default('x')", "|truncate(5)", "|truncate(", ")", "==", "<", "0x", "F" * 99),
    *("'", '"', "a", "(", "[", "1e999", "9" * 99, "-", "~", "*", "**", ".", ".__class__", "range(", "\n", "{% raw %}"),
)
VALUES = st.none() | st.text(max_size=20) | st.integers() | st.floats() | st.sampled_from(["x" * 4_096, 10**39, True])


@given(text=st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join), name=VALUES, day=VALUES)
def test_any_template_is_refused_or_rendered_within_bounds(text: str, name: Any, day: Any) -> None:
    try:
        template = Template.parse(text)
    except CampaignInvalid as invalid:
        assert invalid.errors.keys() == {"text"}
        return
    try:
        rendered = template.render({"name": name, "day": day})
    except Violation:
        return
    assert len(rendered) <= MAX_CHARACTERS + 1
    if set(template.fields) <= {"name", "day"}:
        assert template.render_columns({"name": [name], "day": [day]}, 1) == [rendered]


@pytest.mark.parametrize(
    "bomb",
    [
        "{{ 'x' * 10**9 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ 'x'.ljust(10**9) }}",
        "{{ name|truncate(10**9) }}",
        "{{ name|center(1000000000) }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% set x = 'x' * 10**9 %}{{ x }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include 'self' %}",
        "{{ " + "(" * 1_900 + "name" + ")" * 1_900 + " }}",
        "{% if " + "not " * 900 + "name %}x{% endif %}",
        "{% if name %}" * 200 + "{% endif %}" * 200,
        "{{ name" + "|upper" * 600 + " }}",
        "{{ 0x" + "F" * 3_900 + " }}",
        "{{ name|default(0x" + "F" * 3_900 + ") }}",
        "{{ name|default(-0x" + "F" * 3_900 + ") }}",
        "{% if name == 0x" + "F" * 3_900 + " %}x{% endif %}",
    ],
    ids=lambda bomb: bomb[:24],
)
def test_a_bomb_is_refused_at_once(bomb: str) -> None:
    began = time.process_time()

    with pytest.raises(CampaignInvalid) as raised:
        Template.parse(bomb)

    assert raised.value.errors.keys() == {"text"}
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "reach",
    [
        "{{ name.__class__ }}",
        "{{ name['__class__'] }}",
        "{{ name|attr('__class__') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ self._TemplateReference__context }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ config() }}",
        "{{ lipsum }}{{ lipsum.__globals__ }}",
        "{% import 'os' as os %}",
        "{{ name|map('upper') }}",
        "{{ name|format(name) }}",
        "{{ name|xmlattr }}",
        "{{ name is defined }}",
    ],
)
def test_nothing_but_fields_and_listed_filters_can_be_reached(reach: str) -> None:
    with pytest.raises(CampaignInvalid):
        Template.parse(reach)


def test_a_name_that_looks_like_a_function_of_jinjas_is_only_a_field() -> None:
    with pytest.raises(Violation):
        Template.parse("{{ range }}{{ lipsum }}{{ __class__ }}").render({})
