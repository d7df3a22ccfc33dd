"""The files that commands are given: paths, and - for standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from bsg_producer.files import MessageFile, Reading

STANDARD_INPUT = Path("-")

# The options of the command line by the fields of `Reading`, which errors name.
_OPTIONS = {"encoding": "--encoding", "columns": "--map", "sheet": "--sheet"}


def open_messages(path: Path, reading: Reading | None = None, *, text: str | None = None) -> MessageFile:
    """Raise FileInvalid, and CampaignInvalid for a text that is no template."""
    if path == STANDARD_INPUT:
        return MessageFile(sys.stdin.buffer, reading, name="standard input", text=text)
    return MessageFile(path, reading, text=text)


def option_hint(field: str | None) -> str:
    """Return which option of the command line has the file read as it is; "" if none."""
    option = _OPTIONS.get(field or "")
    return f" The option is {option}." if option else ""
