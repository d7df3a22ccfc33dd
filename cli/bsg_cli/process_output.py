"""A process's output over all its runs. A traceback that every run prints is forwarded once."""

from __future__ import annotations

import json

TRACEBACK_LINES_MAX = 500


class ProcessOutput:
    """Filter the lines of one process. One run is read at a time."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._traceback: list[str] = []
        self._last = ""

    def begin_run(self, *, after_failure: bool) -> None:
        """Begin the next run. Only `after_failure` does an equal traceback count as a repetition."""
        self._known = self._known.union(self._traceback) if after_failure else set()
        self._traceback.clear()
        self._last = ""

    def is_new(self, line: str) -> bool:
        """Return whether to forward the line."""
        if line.strip():
            self._last = line.strip()
        if not self._traceback and not line.startswith("Traceback "):
            return True
        if len(self._traceback) < TRACEBACK_LINES_MAX:
            self._traceback.append(line)
        return line not in self._known

    @property
    def last_message(self) -> str:
        """Return the last line of the run, which says why it ended; of a JSON log line, its message."""
        try:
            message = json.loads(self._last)["message"]
        except (ValueError, LookupError, TypeError):
            return self._last
        return str(message)
