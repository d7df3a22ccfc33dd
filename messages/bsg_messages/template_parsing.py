"""Parse a template's source into nodes. Everything that is not known to be safe is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from bsg_messages.errors import CampaignInvalid
from bsg_messages.template_nodes import Choice, Default, Expression, Literal, Node, Test
from bsg_messages.template_values import (
    COMPARISONS,
    MAX_INTEGER,
    TextFilter,
    compare,
    title,
    truncate,
    truth,
    written,
)

MAX_DEPTH = 40

_FILTERS: dict[str, TextFilter] = {
    "upper": str.upper,
    "lower": str.lower,
    "capitalize": str.capitalize,
    "trim": str.strip,
    "title": title,
}
_DEFAULT_NAMES = ("default", "d")
_TRUNCATE_ARGUMENTS = {"length": int, "killwords": bool, "end": str, "leeway": int}
_KNOWN_FILTERS = ", ".join(sorted((*_FILTERS, "default", "truncate")))
_ENVIRONMENT = Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701 - plain texts, never rendered


def parse_nodes(source: str) -> tuple[Node, ...]:
    """Return the nodes. Raise CampaignInvalid for the field "text", with the line."""
    try:
        tree = _ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        raise _invalid(f"not a template ({error.message})", error.lineno) from None
    except (RecursionError, ValueError, OverflowError):
        raise _invalid("nested too deeply, or a number too long", 1) from None
    return _body(tree.body, 0)


def _body(statements: Sequence[nodes.Node], depth: int) -> tuple[Node, ...]:
    found = tuple(chain.from_iterable(_statement(statement, depth) for statement in statements))
    return _joined(found)


def _statement(statement: nodes.Node, depth: int) -> list[Node]:
    _check_depth(depth, statement)
    if isinstance(statement, nodes.Output):
        return [_output(piece, depth) for piece in statement.nodes]
    if isinstance(statement, nodes.If):
        return [_choice(statement, depth)]
    raise _refused(statement, "take text, {{ fields }} and {% if %} only")


def _output(piece: nodes.Node, depth: int) -> Node:
    if isinstance(piece, nodes.TemplateData):
        return Literal(piece.data)
    if isinstance(piece, nodes.Const) and isinstance(piece.value, (str, int, float)) and not _is_bool(piece):
        return Literal(written(_constant(piece)))
    if isinstance(piece, (nodes.Name, nodes.Filter)):
        return _expression(piece, depth)
    raise _refused(piece, "write a field's name between {{ and }}, and filters after a |")


def _expression(piece: nodes.Node, depth: int) -> Expression:
    filters: list[TextFilter | Default] = []
    while isinstance(piece, nodes.Filter):
        _check_depth(depth + len(filters), piece)
        filters.append(_filter(piece))
        if piece.node is None:
            break
        piece = piece.node
    if not isinstance(piece, nodes.Name) or piece.ctx != "load":
        raise _refused(piece, "filters go on a field's name")
    return Expression(piece.name, tuple(reversed(filters)))


def _filter(piece: nodes.Filter) -> TextFilter | Default:
    if piece.dyn_args is not None or piece.dyn_kwargs is not None:
        raise _refused(piece, "write a filter's arguments one by one")
    arguments = [_constant(argument) for argument in piece.args]
    named = {str(pair.key): _constant(pair.value) for pair in piece.kwargs}
    if piece.name in _DEFAULT_NAMES:
        return _default(piece, arguments, named)
    if piece.name == "truncate":
        return _truncate(piece, arguments, named)
    if piece.name not in _FILTERS:
        raise _invalid(f"there is no filter {piece.name!r} here: take {_KNOWN_FILTERS}", piece.lineno)
    if arguments or named:
        raise _invalid(f"the filter {piece.name!r} takes no arguments: leave them out", piece.lineno)
    return _FILTERS[piece.name]


def _default(piece: nodes.Filter, arguments: list[Any], named: dict[str, Any]) -> Default:
    # Jinja2's second argument makes a blank field count as missing, which is always so here.
    values = [*arguments, *(named.pop(name) for name in ("default_value", "boolean") if name in named)]
    if named or not 1 <= len(values) <= 2 or isinstance(values[0], bool):
        raise _invalid('the filter default takes a text, as in default("friend")', piece.lineno)
    return Default(written(values[0]))


def _truncate(piece: nodes.Filter, arguments: list[Any], named: dict[str, Any]) -> TextFilter:
    given = {**dict(zip(_TRUNCATE_ARGUMENTS, arguments, strict=False)), **named}
    right = len(given) == len(arguments) + len(named) and "length" in given
    if not right or any(type(value) is not _TRUNCATE_ARGUMENTS.get(name) for name, value in given.items()):
        raise _invalid("the filter truncate takes a length, as in truncate(20)", piece.lineno)
    try:
        return truncate(**given)
    except ValueError as error:
        raise _invalid(str(error), piece.lineno) from None


def _choice(statement: nodes.If, depth: int) -> Choice:
    branches: list[tuple[Test, tuple[Node, ...]]] = []
    named: set[str] = set()
    for branch in (statement, *statement.elif_):
        test = _test(branch.test, depth + 1, named)
        branches.append((test, _body(branch.body, depth + 1)))
    branches.append((lambda _: True, _body(statement.else_, depth + 1)))
    inner = (node.fields for _, body in branches for node in body)
    return Choice(tuple(branches), frozenset(named.union(*inner)))


def _test(test: nodes.Node, depth: int, named: set[str]) -> Test:
    """Return the test as a function of the fields. Add their names to `named`."""
    _check_depth(depth, test)
    if isinstance(test, (nodes.Name, nodes.Filter)):
        expression = _expression(test, depth)
        named.add(expression.name)
        return expression.value
    if isinstance(test, nodes.Const):
        constant = _constant(test)
        return lambda _: constant
    if isinstance(test, nodes.Not):
        inner = _test(test.node, depth + 1, named)
        return lambda fields: not truth(inner(fields))
    if isinstance(test, (nodes.And, nodes.Or)):
        left, right = _test(test.left, depth + 1, named), _test(test.right, depth + 1, named)
        if isinstance(test, nodes.And):
            return lambda fields: truth(left(fields)) and truth(right(fields))
        return lambda fields: truth(left(fields)) or truth(right(fields))
    if isinstance(test, nodes.Compare):
        return _comparison(test, depth, named)
    raise _refused(test, "test fields, comparisons of them with texts and numbers, and, or, not")


def _comparison(test: nodes.Compare, depth: int, named: set[str]) -> Test:
    operands = [_test(test.expr, depth + 1, named)]
    for operand in test.ops:
        if operand.op not in COMPARISONS:
            raise _refused(test, "compare with ==, !=, <, <=, > or >=")
        operands.append(_test(operand.expr, depth + 1, named))
    kinds = [operand.op for operand in test.ops]

    def compared(fields: Mapping[str, Any]) -> bool:
        values = [operand(fields) for operand in operands]
        return all(compare(kind, values[index], values[index + 1]) for index, kind in enumerate(kinds))

    return compared


def _constant(node: nodes.Node) -> Any:
    if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const) and not _is_bool(node.node):
        value = _constant(node.node)
        if isinstance(value, (int, float)):
            return -value
    if isinstance(node, nodes.Const) and isinstance(node.value, int) and node.value >= MAX_INTEGER:
        raise _invalid("a number of more than 40 digits: write it as a text", node.lineno)
    if isinstance(node, nodes.Const) and isinstance(node.value, (str, int, float)):
        return node.value
    raise _refused(node, "take a text in quotes or a number")


def _joined(found: tuple[Node, ...]) -> tuple[Node, ...]:
    """Join adjacent literals, so that each message needs fewer steps."""
    joined: list[Node] = []
    for node in found:
        if isinstance(node, Literal) and joined and isinstance(joined[-1], Literal):
            joined[-1] = Literal(joined[-1].text + node.text)
        else:
            joined.append(node)
    return tuple(joined)


def _is_bool(node: nodes.Const) -> bool:
    return isinstance(node.value, bool)


def _check_depth(depth: int, node: nodes.Node) -> None:
    if depth > MAX_DEPTH:
        raise _invalid(f"nested more than {MAX_DEPTH} deep: make it simpler", node.lineno)


def _refused(node: nodes.Node, remedy: str) -> CampaignInvalid:
    return _invalid(f"{type(node).__name__} is not allowed here: {remedy}", node.lineno)


def _invalid(message: str, line: int) -> CampaignInvalid:
    return CampaignInvalid({"text": [f"line {line}: {message}"]})
