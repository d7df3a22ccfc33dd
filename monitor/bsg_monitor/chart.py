"""A campaign's messages over time, as the points of an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bsg_ledger.records import Batch
from bsg_ledger.times import to_datetime, to_milliseconds

WIDTH, HEIGHT = 600, 160


@dataclass(frozen=True, slots=True)
class Chart:
    """Two step lines in a box of WIDTH by HEIGHT: how many messages BSG had taken, and of how many it had finished."""

    sent: str
    finished: str
    begin: datetime
    end: datetime
    top: int  # messages at the upper edge


def draw(batches: Sequence[Batch], *, accepted_at: datetime, now: datetime) -> Chart | None:
    """Return the chart; None while nothing has been sent."""
    sent = sorted((to_milliseconds(batch.submitted_at), batch.size) for batch in batches if batch.submitted_at)
    finished = sorted((to_milliseconds(batch.finished_at), batch.size) for batch in batches if batch.finished_at)
    if not sent:
        return None
    begin = to_milliseconds(accepted_at)
    all_finished = len(finished) == len(batches)
    end = max(begin + 1, finished[-1][0] if all_finished else to_milliseconds(now), sent[-1][0])
    top = max(1, sum(batch.size for batch in batches))
    return Chart(
        sent=_steps(sent, begin, end, top),
        finished=_steps(finished, begin, end, top),
        begin=accepted_at,
        end=to_datetime(end),
        top=top,
    )


def _steps(events: Sequence[tuple[int, int]], begin: int, end: int, top: int) -> str:
    """Return the points of a line. All events in one column of the box are one step."""
    columns: dict[int, int] = {}
    total = 0
    for moment, messages in events:
        total += messages
        columns[round(WIDTH * min(max(moment - begin, 0), end - begin) / (end - begin))] = total
    points, height = [f"0,{HEIGHT}"], HEIGHT
    for x, messages in columns.items():
        points.append(f"{x},{height}")
        height = round(HEIGHT * (1 - messages / top))
        points.append(f"{x},{height}")
    return " ".join([*points, f"{WIDTH},{height}"])
