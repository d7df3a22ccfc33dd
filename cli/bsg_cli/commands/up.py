"""`up`: run every process of the Procfile, with an embedded server if REDIS_URL is not set."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from functools import partial

from bsg_cli.connection import redis_is_set
from bsg_cli.embedded_server import EmbeddedServer
from bsg_cli.errors import ExitCode
from bsg_cli.first_login import log_in
from bsg_cli.ports import free_port
from bsg_cli.printing import print_json
from bsg_cli.processes import BEAT, FLOWER_PORT, STATUS, WORKER, flower_on_port
from bsg_cli.stop_signals import StopSignals
from bsg_cli.supervisor import Supervisor
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_producer.queue_errors import queue_errors

SECONDS_BETWEEN_LOOKS = 0.25
NAME_WIDTH = 6


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "up", parents=[common], help="run workers, beat and Flower, and a server if REDIS_URL is not set"
    )
    parser.add_argument(
        "--flower-port",
        type=int,
        default=FLOWER_PORT,
        metavar="N",
        help=f"the port of Flower (default: {FLOWER_PORT}); 0 takes a free one",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    report = _json_reporter() if arguments.json else _reporter()
    # Reject wrong settings before anything runs. The server's address is added to them below.
    Settings.from_environment().require_accounts()
    port = free_port(arguments.flower_port, "--flower-port")
    with StopSignals() as signals, ExitStack() as running:
        server: EmbeddedServer | None = None
        # The processes log through a pipe, so they cannot detect a terminal.
        log_format = os.environ.get("LOG_FORMAT") or ("json" if arguments.json else "text")
        environment = {**os.environ, "LOG_FORMAT": log_format}
        if redis_is_set():
            _check_redis()
        else:
            server = running.enter_context(EmbeddedServer(arguments.data_directory))
            environment["REDIS_URL"] = server.url
            report("up", f"the server's data are in {server.directory}")
        log_in(Settings.from_environment(environment), partial(report, "up"))
        supervisor = Supervisor(
            (WORKER, STATUS, BEAT, flower_on_port(port)),
            environment=environment,
            report=report,
            server=server,
        )
        signals.on_repeat = supervisor.stop_at_once
        running.callback(supervisor.stop)
        supervisor.start()
        report("up", f"Flower: http://127.0.0.1:{port}   Stop with Ctrl-C; a second one does not wait.")
        while not signals.wait(SECONDS_BETWEEN_LOOKS):
            supervisor.look_after()
        report("up", "stopping: what is on the wire is let end")
    report("up", "stopped")
    return ExitCode.OK


def _check_redis() -> None:
    client = connect(Settings.from_environment())
    with closing(client), queue_errors():
        client.ping()


def _reporter() -> Callable[[str, str], None]:
    lock = threading.Lock()

    def report(name: str, line: str) -> None:
        # A closed terminal must not end the workers.
        with lock, suppress(OSError):
            print(f"{name.ljust(NAME_WIDTH)} | {line}", flush=True)

    return report


def _json_reporter() -> Callable[[str, str], None]:
    lock = threading.Lock()

    def report(name: str, line: str) -> None:
        with lock, suppress(OSError):
            print_json({"process": name, "line": line})

    return report
