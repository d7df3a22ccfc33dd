"""BSG's statistics jobs: delivery reports in bulk. BSG: POST /api/stat/jobs, GET and DELETE /api/stat/jobs/{id}."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bsg_client.classification import read_failure, usable
from bsg_client.outcomes import ReadFailed
from bsg_client.responses import StatisticsRow, decode, statistics_row, whole_number
from bsg_client.wire import NoResponse, Response

PATH = "/api/stat/jobs"
FILE_NOT_FOUND = 90  # the job is not done, or BSG does not know it
_MOMENT = "%Y-%m-%d %H:%M:%S"

Ask = Callable[[str, str, Mapping[str, str], bytes | None], Response | NoResponse]


class StatisticsJobs:
    """The statistics jobs of one account. `ask` makes one request: method, path, query, body."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def order(self, *, since: datetime, until: datetime, phones: Sequence[int]) -> str | None:
        """Order a job for the messages to these phones between two times, in BSG's format without a zone.

        Return its key; None if the account cannot order jobs, or has its maximum of them. Raise ReadFailed when BSG
        does not respond.
        """
        order = {
            "type": "params",
            "time_in_from": since.strftime(_MOMENT),
            "time_in_to": until.strftime(_MOMENT),
            "phones": list(phones),
        }
        try:
            content = usable(self._ask("POST", PATH, {}, json.dumps(order).encode()))
        except ReadFailed as failure:
            if failure.status is None or failure.throttled or failure.account_reason is not None:
                raise
            return None
        key = content.get("key")
        return key if isinstance(key, str) and key.isalnum() else None

    def read(self, key: str) -> list[StatisticsRow] | None:
        """Return the rows of a job; None while it is not done. Raise ReadFailed."""
        response = self._ask("GET", f"{PATH}/{key}", {}, None)
        content = decode(response.body) if isinstance(response, Response) else None
        if isinstance(content, Mapping) and whole_number(content.get("error")) == FILE_NOT_FOUND:
            return None
        rows = usable(response).get("result")
        if not isinstance(rows, list):
            raise read_failure(response)
        return [row for entry in rows if (row := statistics_row(entry)) is not None]

    def delete(self, key: str) -> None:
        """Delete a job, because an account may have only a few. Raise ReadFailed."""
        usable(self._ask("DELETE", f"{PATH}/{key}", {}, None))
