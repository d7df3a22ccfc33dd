"""`python -m benchmarks.designs.rq_workers COUNT`: so many workers of RQ that fork for no job."""

from __future__ import annotations

import sys

from rq import SimpleWorker
from rq.worker_pool import WorkerPool

from benchmarks.designs.rq_each import queue

if __name__ == "__main__":
    WorkerPool(
        [queue], connection=queue.connection, num_workers=int(sys.argv[1]), worker_class=SimpleWorker,
        serializer=queue.serializer,
    ).start(logging_level="WARNING")  # fmt: skip
