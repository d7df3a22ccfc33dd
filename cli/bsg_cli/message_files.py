"""Open the files of commands: paths, and - for standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from bsg_producer.files import MessageFile, Reading

STANDARD_INPUT = Path("-")

# The options of the command line by the fields of `Reading`, which errors name.
_OPTIONS = {"encoding": "--encoding", "columns": "--map", "sheet": "--sheet"}


def open_messages(path: Path, reading: Reading | None = None, *, text: str | None = None) -> MessageFile:
    """Return the file. Raise FileInvalid, and CampaignInvalid for an invalid template."""
    if path == STANDARD_INPUT:
        return MessageFile(sys.stdin.buffer, reading, name="standard input", text=text)
    return MessageFile(path, reading, text=text)


def option_hint(field: str | None) -> str:
    """Return the hint at the option with which the file can be read as it is; "" if there is none."""
    option = _OPTIONS.get(field or "")
    return f" The option is {option}." if option else ""
