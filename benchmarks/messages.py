"""The messages that are sent: as different from each other as a shop's, and the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

SENDER = "MyShop"
MESSAGES_A_BATCH = 10_000

_NAMES = ("Olena", "Taras", "Hanna", "Yurii", "Solomiia", "Dmytro", "Ivan", "Mariia")
_MASK = (1 << 30) - 1


def messages(count: int, *, first: int = 0) -> Iterator[dict[str, Any]]:
    """Return the messages number `first` and following, each with a phone of its own and a text of 63 to 73
    characters."""
    for number in range(first, first + count):
        # A permutation of 30 bits: no phone comes twice, and nothing repeats that a compressor could find.
        mixed = number * 0x9E3779B1 & _MASK
        mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6D & _MASK
        mixed ^= mixed >> 13
        order = mixed * 0x297A2D39 & _MASK
        yield {
            "phone": 380_000_000_000 + mixed,
            "text": f"Hi {_NAMES[mixed & 7]}, your order {order >> 10} is ready: pick it up at our shop by 8 pm.",
        }


def messages_to_one_phone(count: int) -> Iterator[dict[str, Any]]:
    """Return messages that need as many batches, because no request has a phone twice."""
    return ({"phone": 380_000_000_000, "text": f"Your code is {number}."} for number in range(count))


def rows(count: int, *, first: int = 0) -> list[dict[str, Any]]:
    """Return the same as BSG takes them, with sender and reference id."""
    return [
        {**message, "sender": SENDER, "reference_id": f"{number:028d}"}
        for number, message in enumerate(messages(count, first=first), first)
    ]


def chunks(given: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Return the messages in lists of `size` at most."""
    iterator = iter(given)
    while chunk := list(islice(iterator, size)):
        yield chunk
