from __future__ import annotations

from benchmarks.beside_delay import WEB_THREADS, row_beside_delay

ROW = row_beside_delay(
    "this project",
    "benchmarks.designs.this_project",
    what="`enqueue` of one message",
    at_most={WEB_THREADS: 1.0, 1: 1.3},
    if_not_met=(
        "both calls wait once for Redis's disk. `enqueue` first checks that Redis can be reached, which waits for no "
        "disk. It also checks, packs and digests the messages that it accepts, while `delay` only writes its task."
    ),
    note=(
        "The threads share one process and call again at once. Redis writes each command to disk before it responds, "
        "for both. `enqueue` has checked, stored and committed when it returns, and woken a worker; `delay` has "
        "published."
    ),
)
