from __future__ import annotations

from benchmarks.beside_delay import WEB_THREADS, row_beside_delay

ROW = row_beside_delay(
    "stream.send",
    "benchmarks.designs.this_project_stream",
    what="`stream.send` of one message",
    at_most={WEB_THREADS: 0.9, 1: 1.2},
    if_not_met=(
        "both calls wait once for Redis's disk. `send` first checks that Redis can be reached, and renders and checks "
        "the message, while `delay` only writes its task."
    ),
    note=(
        "The threads share one process and call again at once. Redis writes each command to disk before it responds, "
        "for both. `send` has checked and committed the message when it returns; `delay` has published."
    ),
)
