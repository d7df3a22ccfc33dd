"""Encode the indexes of a batch's messages, in order, as runs: a few bytes for ten thousand."""

from __future__ import annotations

from collections.abc import Iterable


def encode_rows(indexes: Iterable[int]) -> str:
    """Return `[0, 1, 2, 5, 6]` as "0+3,5+2"."""
    runs: list[list[int]] = []
    for index in indexes:
        if runs and index == runs[-1][0] + runs[-1][1]:
            runs[-1][1] += 1
        else:
            runs.append([index, 1])
    return ",".join(f"{first}+{length}" for first, length in runs)


def decode_rows(text: str) -> list[int]:
    indexes: list[int] = []
    for run in filter(None, text.split(",")):
        first, _, length = run.partition("+")
        indexes.extend(range(int(first), int(first) + int(length)))
    return indexes
