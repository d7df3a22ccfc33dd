"""Assertions about the outbox. Their messages show what was sent instead."""

from __future__ import annotations

import re

from bsg_testing.outbox import Outbox, OutboxMessage

MAX_SHOWN = 20


def assert_sent(
    outbox: Outbox,
    *,
    to: str | int | None = None,
    text: str | re.Pattern[str] | None = None,
    sender: str | None = None,
    times: int | None = None,
) -> list[OutboxMessage]:
    """Return the matching messages. Raise AssertionError if there are none, or not as many as `times`."""
    __tracebackhide__ = True
    found = outbox.matching(to=to, text=text, sender=sender)
    if found if times is None else len(found) == times:
        return found
    wanted = ", ".join(
        f"{name} {value.pattern if isinstance(value, re.Pattern) else value!r}"
        for name, value in (("to", to), ("text", text), ("sender", sender))
        if value is not None
    )
    expected = "a message" if times is None else f"{times} message{'' if times == 1 else 's'}"
    described = f"{expected} ({wanted})" if wanted else expected
    raise AssertionError(f"expected {described}, found {len(found)}\n{_shown(outbox)}")


def assert_nothing_sent(outbox: Outbox) -> None:
    """Raise AssertionError if anything was sent or would be sent."""
    __tracebackhide__ = True
    if outbox:
        raise AssertionError(f"expected no message\n{_shown(outbox)}")


def _shown(outbox: Outbox) -> str:
    sent = [
        f"  {message.phone}  {message.text!r}  from {message.sender}, {message.state}, "
        f"campaign {message.campaign_name or message.campaign_id}"
        for message in outbox
    ]
    unsent = [f"  {message.phone}  {message.text!r}  {message.reason}" for message in outbox.unsent]
    return "\n".join(
        [
            *(("Sent, or to be sent:", *_first(sent)) if sent else ("Nothing was sent.",)),
            *(("Not sent:", *_first(unsent)) if unsent else ()),
        ]
    )


def _first(lines: list[str]) -> list[str]:
    if len(lines) <= MAX_SHOWN:
        return lines
    return [*lines[:MAX_SHOWN], f"  and {len(lines) - MAX_SHOWN} more"]
