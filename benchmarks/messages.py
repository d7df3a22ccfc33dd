"""The messages that are sent: as different from each other as a shop's, and the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SENDER = "MyShop"
MESSAGES_A_BATCH = 10_000

_NAMES = ("Olena", "Taras", "Hanna", "Yurii", "Solomiia", "Dmytro", "Ivan", "Mariia")
_PHONES = 10**9
# Coprime with the number of phones: no phone comes twice, and neighbours share no digits to compress.
_STEP = 618_033_989


def messages(count: int, *, first: int = 0) -> Iterator[dict[str, Any]]:
    """Messages number `first` and following, each with a phone of its own and a text of 64 to 72 characters."""
    for number in range(first, first + count):
        phone = number * _STEP % _PHONES
        name = _NAMES[phone & 7]
        yield {
            "phone": 380_000_000_000 + phone,
            "text": f"Hi {name}, your order {phone >> 10} is ready: pick it up at our shop by 8 pm.",
        }


def rows(count: int, *, first: int = 0) -> list[dict[str, Any]]:
    """The same as BSG takes them, with sender and reference id."""
    return [
        {**message, "sender": SENDER, "reference_id": f"{number:028d}"}
        for number, message in enumerate(messages(count, first=first), first)
    ]
