"""The tasks' names, and the queue that each of them waits in."""

from __future__ import annotations

from bsg_messages.priority import PRIORITIES

PREPARE = "bsg.prepare"
SUBMIT = "bsg.submit"
POLL = "bsg.poll"
RECONCILE = "bsg.reconcile"
SWEEP = "bsg.sweep"
PURGE = "bsg.purge"
STOP_LIST = "bsg.stoplist"
PING = "bsg.ping"

WORKER_QUEUES = tuple(f"{stage}.{priority}" for priority in PRIORITIES for stage in ("submit", "prepare"))
STATUS_QUEUE = "status"


def queue_of(task: str, priority: str = "normal") -> str:
    """Return the queue for a task of that name. Raise ValueError for a priority that is none."""
    if task not in (PREPARE, SUBMIT):
        return STATUS_QUEUE
    if priority not in PRIORITIES:
        raise ValueError(f"a priority is one of {', '.join(PRIORITIES)}")
    return f"{task.removeprefix('bsg.')}.{priority}"
