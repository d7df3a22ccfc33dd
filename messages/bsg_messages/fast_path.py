"""Check whole columns at once: most messages pass here, in a fraction of a microsecond each.

The fast path accepts a message only if `messages.check_message` accepts it, with the same result. Every other
row takes the exact path: `messages.check_message` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bsg_messages import rules
from bsg_messages.columns import Chunk
from bsg_messages.messages import Message
from bsg_messages.rejects import Violation

_PHONE_LENGTHS = frozenset(range(rules.MIN_PHONE_DIGITS, rules.MAX_PHONE_DIGITS + 1))
_MIN_INT_PHONE = 10 ** (rules.MIN_PHONE_DIGITS - 1)
_MAX_INT_PHONE = 10**rules.MAX_PHONE_DIGITS - 1
_MAX_LINE_OF_PHONES = 32  # characters on average: longer phones take the exact path


@dataclass(slots=True, repr=False)
class CheckedColumns:
    """The messages in BSG's format, by row of the chunk. The values of rows in `exact_rows` are undefined."""

    phones: list[str]
    senders: list[str]
    texts: list[str]
    reference_ids: list[str]
    tariff_codes: list[int | None] | None
    transliterate: list[bool | None] | None
    exact_rows: set[int]

    def put(self, row: int, message: Message) -> None:
        """Store the result of the exact path. A message without its own reference id keeps the generated one."""
        self.phones[row] = message.phone
        self.senders[row] = message.sender
        self.texts[row] = message.text
        if message.reference_id is not None:
            self.reference_ids[row] = message.reference_id
        if self.tariff_codes is not None:
            self.tariff_codes[row] = message.tariff_code
        if self.transliterate is not None:
            self.transliterate[row] = message.transliterate


def check_columns(
    chunk: Chunk, *, sender: str | None, texts: Sequence[Any] | None, generated_ids: list[str]
) -> CheckedColumns:
    """Check the columns of a chunk. `texts` are the messages' own or the rendered ones.

    The result takes over the list `generated_ids`.
    """
    exact_rows: set[int] = set(chunk.violations)
    return CheckedColumns(
        phones=_phones(chunk.phones, chunk.size, exact_rows),
        senders=_senders(chunk.senders, sender, chunk.size, exact_rows),
        texts=_texts(texts, chunk.size, exact_rows),
        reference_ids=_reference_ids(chunk.reference_ids, generated_ids, exact_rows),
        tariff_codes=_optional(chunk.tariff_codes, rules.tariff_code, exact_rows),
        transliterate=_optional(chunk.transliterate, rules.transliterate, exact_rows),
        exact_rows=exact_rows,
    )


def _phones(given: Sequence[Any] | None, size: int, exact_rows: set[int]) -> list[str]:
    if given is None:
        exact_rows.update(range(size))
        return [""] * size
    kinds = set(map(type, given))
    if kinds == {int}:
        digits = list(map(str, given))
        if min(given) < _MIN_INT_PHONE or max(given) > _MAX_INT_PHONE:
            exact_rows.update(row for row, phone in enumerate(given) if not _MIN_INT_PHONE <= phone <= _MAX_INT_PHONE)
        return digits
    # One text with all phones lets blanks and hyphens be removed from all of them at once. "" is handled below.
    line = "\n".join(given if kinds == {str} else [phone if type(phone) is str else "" for phone in given])
    if len(line) > size * _MAX_LINE_OF_PHONES or line.count("\n") != size - 1 or not line.isascii():
        line = "\n".join([phone if _is_plain(phone) else "" for phone in given])
    line = "\n" + line.replace(" ", "").replace("-", "")
    digits = line.replace("\n+", "\n")[1:].split("\n")
    for row, phone in enumerate(digits):
        if not (phone.isdigit() and len(phone) in _PHONE_LENGTHS and phone[0] != "0"):
            # The rule itself handles brackets, dots and a leading 00. The schema around it is not needed.
            try:
                digits[row] = rules.phone(given[row])
            except Violation:
                exact_rows.add(row)
    return digits


def _is_plain(phone: Any) -> bool:
    return type(phone) is str and len(phone) <= _MAX_LINE_OF_PHONES and phone.isascii() and "\n" not in phone


def _texts(given: Sequence[Any] | None, size: int, exact_rows: set[int]) -> list[str]:
    if given is None:
        exact_rows.update(range(size))
        return [""] * size
    texts = list(given)
    if set(map(type, texts)) != {str}:
        exact_rows.update(row for row, text in enumerate(texts) if type(text) is not str)
        texts = [text if type(text) is str else "" for text in texts]
    if max(map(len, texts), default=0) > rules.SURELY_FITS:
        for row, text in enumerate(texts):
            if len(text) > rules.SURELY_FITS and row not in exact_rows:
                try:
                    rules.text(text)
                except Violation:
                    exact_rows.add(row)
    if not "".join(texts).isprintable():  # guard: control-is-doubtful
        exact_rows.update(row for row, text in enumerate(texts) if rules.control_character(text) is not None)
    if not all(map(str.strip, texts)):
        exact_rows.update(row for row, text in enumerate(texts) if not text.strip())
    return texts


def _senders(given: Sequence[Any] | None, of_the_campaign: str | None, size: int, exact_rows: set[int]) -> list[str]:
    if given is None:
        given = [None] * size
        if of_the_campaign is not None:
            return [of_the_campaign] * size
    senders = _by_rule(given, rules.sender, exact_rows)
    if of_the_campaign is None:
        exact_rows.update(row for row, sender in enumerate(senders) if sender is None)
    return [of_the_campaign or "" if sender is None else sender for sender in senders]


def _reference_ids(given: Sequence[Any] | None, generated: list[str], exact_rows: set[int]) -> list[str]:
    if given is None:
        return generated
    own = _by_rule(given, rules.reference_id, exact_rows)
    return [mine if mine is not None else made for mine, made in zip(own, generated, strict=True)]


def _optional(given: Sequence[Any] | None, rule: Callable[[Any], Any], exact_rows: set[int]) -> list[Any] | None:
    return None if given is None else _by_rule(given, rule, exact_rows)


def _by_rule(given: Sequence[Any], rule: Callable[[Any], Any], exact_rows: set[int]) -> list[Any]:
    """Return the rule's result for each value; None for a blank one. Each distinct value is checked once."""
    found: dict[tuple[type, Any], Any] = {}
    refused: set[tuple[type, Any]] = set()
    keys = list(zip(map(type, given), given, strict=True))
    for key in set(keys):
        try:
            found[key] = None if rules.is_blank(key[1]) else rule(key[1])
        except Violation:
            found[key] = None
            refused.add(key)
    if refused:
        exact_rows.update(row for row, key in enumerate(keys) if key in refused)
    return [found[key] for key in keys]
