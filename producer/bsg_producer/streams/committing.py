"""Commit checked messages of a stream, and wait for the disk."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from bsg_ledger.ledger import Ledger
from bsg_ledger.streams import AcceptedMessage, NewNames, StreamMessage, StreamRules
from bsg_messages.campaign_ids import new_campaign_id
from bsg_producer.queue_errors import queue_errors

_REACHED_SECONDS = 1.0


class Unconfirmed(Exception):
    """The messages may be accepted or not."""


def commit(
    ledger: Ledger, rules: StreamRules, messages: Sequence[StreamMessage], *, in_order: bool = False
) -> list[AcceptedMessage]:
    """Return the results of the first of the messages, as `Streams.accept` does. They are on disk.

    Raise `Unconfirmed`, `QueueUnavailable` or `QueueNotDurable`. No message of the call is accepted with the last two.
    """
    with queue_errors():
        ledger.durability.require()
        # If Redis is unreachable before the commit, nothing is in doubt. Asking before each message would take a fifth
        # of its time.
        ledger.reach(within=_REACHED_SECONDS)
    new = NewNames(new_campaign_id(), incarnation=secrets.token_hex(16))
    try:
        with queue_errors(response_lost=_ResponseLost):
            results, on_disk = ledger.streams.accept(rules, messages, new, ledger.durability, in_order=in_order)
    except _ResponseLost:
        results, on_disk = _commit_again(ledger, rules, messages, new, in_order)  # guard: send-asked-again
    if not on_disk:  # guard: message-on-disk
        raise Unconfirmed
    return results


def _commit_again(
    ledger: Ledger, rules: StreamRules, messages: Sequence[StreamMessage], new: NewNames, in_order: bool
) -> tuple[list[AcceptedMessage], bool]:
    """Repeat a commit whose response was lost. That is safe: the same attempts are accepted once."""
    try:
        with queue_errors(response_lost=_ResponseLost):
            return ledger.streams.accept(rules, messages, new, ledger.durability, in_order=in_order)
    except Exception:
        raise Unconfirmed from None  # guard: send-unconfirmed


class _ResponseLost(Exception):
    """It is unknown whether Redis executed the commit."""
