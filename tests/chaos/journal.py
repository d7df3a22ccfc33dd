"""What a producer knows for sure: its web app's database, in which each line is kept before the next step."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Word = Literal["trying", "receipt", "refused", "unavailable", "unconfirmed", "given up", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `detail`: the id of a receipt's campaign or message, else the reason.

    `refused`: a message of a stream was invalid, and was not accepted.
    """

    number: int
    word: Word
    detail: str = ""


class Journal:
    """Lines are appended whole and survive the writer's SIGKILL; a torn last line counts as not written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, number: int, word: Word, detail: str = "") -> None:
        line = json.dumps({"number": number, "word": word, "detail": detail}) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def entries(self) -> list[Entry]:
        if not self._path.exists():
            return []
        whole, _, _ = self._path.read_text("utf-8").rpartition("\n")
        return [Entry(**json.loads(line)) for line in whole.splitlines()]


@dataclass(slots=True)
class Enqueued:
    """What a producer's tries of one campaign, or of one message of a stream, came to.

    `certain_that_none` holds only while every try ended with `QueueUnavailable`, which promises that the campaign
    does not exist. A try that was killed, or whose response was lost, promises nothing.
    """

    number: int
    receipt: str | None = None
    refused: bool = False
    given_up: bool = False
    certain_that_none: bool = True
    failure: str | None = None
    tries: int = 0

    @property
    def is_open(self) -> bool:
        """Return whether its producer has still to try again."""
        return self.receipt is None and not self.refused and not self.given_up


def enqueued(entries: list[Entry]) -> dict[int, Enqueued]:
    """Return each campaign's tries summed up, by number."""
    summed: dict[int, Enqueued] = {}
    trying: set[int] = set()
    for entry in entries:
        campaign = summed.setdefault(entry.number, Enqueued(entry.number))
        match entry.word:
            case "trying":
                if entry.number in trying:
                    campaign.certain_that_none = False  # the try before was killed in the middle
                trying.add(entry.number)
                campaign.tries += 1
                continue
            case "receipt":
                campaign.receipt = entry.detail
                campaign.certain_that_none = False
            case "refused":
                campaign.refused = True
            case "unconfirmed":
                campaign.certain_that_none = False
            case "given up":
                campaign.given_up = True
                if entry.number in trying:
                    campaign.certain_that_none = False
            case "failed":
                campaign.failure = entry.detail
                campaign.certain_that_none = False
            case "unavailable":
                pass
        trying.discard(entry.number)
    for number in trying:
        summed[number].certain_that_none = False
    return summed
