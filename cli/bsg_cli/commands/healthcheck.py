"""`healthcheck`: check whether a process does its work, for orchestrators that restart it otherwise."""

from __future__ import annotations

import argparse

from bsg_broker.liveness import LivenessPings, ping_queue
from bsg_cli.connection import settings_in
from bsg_cli.diagnosis.processes import longest_between_ticks
from bsg_cli.errors import ExitCode
from bsg_cli.printing import complain, print_json
from bsg_config.connection_names import name_of_process
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.heartbeats import Heartbeats
from bsg_producer.queue_errors import queue_errors

# A worker whose threads all wait for BSG or for a permit is busy, not hung: after this time one of them is free.
PERMIT_AND_MARGIN_SECONDS = 40.0
# If no worker had the name for a day, it is mistyped, or its worker is about to start: no thread can be busy.
UNKNOWN_WITHIN_SECONDS = 3.0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "healthcheck",
        parents=[common],
        help="check whether a worker takes tasks, or beat sends ticks; exit code 1 if not",
    )
    parser.add_argument(
        "process", metavar="PROCESS", help="worker, status or beat on this machine, or a Celery node name: worker@host"
    )
    parser.add_argument(
        "--within", type=seconds_argument, metavar="SECONDS", help="how long a busy worker may take to respond"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    settings = settings_in(arguments.data_directory)
    name = arguments.process if "@" in arguments.process else name_of_process(arguments.process)
    liveness = LivenessPings(connect(settings))
    with queue_errors():
        why = (
            _beat_fails(liveness.heartbeats, settings, name)
            if name.startswith("beat@")
            else _worker_fails(liveness, settings, arguments, name)
        )
    if arguments.json:
        print_json({"process": name, "healthy": not why, "why": why})
    elif why:
        complain(f"{name}: {why}")
    else:
        print(f"{name}: healthy")
    return ExitCode.FAILED if why else ExitCode.OK


def _worker_fails(liveness: LivenessPings, settings: Settings, arguments: argparse.Namespace, name: str) -> str:
    within = arguments.within or settings.max_request_seconds_of_all + PERMIT_AND_MARGIN_SECONDS
    workers = liveness.heartbeats.workers()
    if name not in workers:
        within = min(within, UNKNOWN_WITHIN_SECONDS)
    if liveness.unanswered([ping_queue(name)], within=within):
        if name not in workers:
            known = f" These have: {', '.join(workers)}." if workers else ""
            return f"no worker of that name has run here within a day.{known} Start it, or correct the name."
        return f"it took no task within {within:g} s. It does not run, it hangs, or it lost Redis: start it again."
    return ""


def _beat_fails(heartbeats: Heartbeats, settings: Settings, name: str) -> str:
    since = heartbeats.since_last_tick(name)
    if since is None:
        return "it has sent no tick for a day, if ever. Start it."
    return (
        f"it sent its last tick {since:.0f} s ago. It does not run, it hangs, or it lost Redis: start it again."
        if since > longest_between_ticks(settings)
        else ""
    )


def seconds_argument(text: str) -> float:
    """Return a timeout. Raise ArgumentTypeError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds: give more than 0, and 3600 at most")
    return seconds
