"""`doctor`: find what would lose, double or hold messages here, and show the remedy."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping

from bsg_cli.commands.healthcheck import seconds_argument
from bsg_cli.connection import settings_in
from bsg_cli.diagnosis.account import look_at_accounts
from bsg_cli.diagnosis.bodies import look_at_bodies
from bsg_cli.diagnosis.calibration import look_at_calibration
from bsg_cli.diagnosis.campaigns import look_at_campaigns
from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.diagnosis.processes import look_at_processes
from bsg_cli.diagnosis.redis_server import look_at_redis
from bsg_cli.diagnosis.senders import look_at_senders
from bsg_cli.diagnosis.streams import look_at_streams
from bsg_cli.diagnosis.waiting import look_at_waiting
from bsg_cli.errors import ExitCode
from bsg_cli.printing import Colour, coloured, print_json
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_producer.queue_errors import queue_errors

WITHIN_SECONDS = 10.0
_LEVEL_WIDTH = max(map(len, Level))
_COLOURS = {Level.OK: Colour.GREEN, Level.WARNING: Colour.YELLOW, Level.PROBLEM: Colour.RED}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "doctor",
        parents=[common],
        help="report what would lose, double or hold messages, with the remedy; exit code 1 if anything would",
    )
    parser.add_argument(
        "--within",
        type=seconds_argument,
        default=WITHIN_SECONDS,
        metavar="SECONDS",
        help=f"how long workers may take to respond (default: {WITHIN_SECONDS:g})",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    settings = settings_in(arguments.data_directory)
    levels: Counter[Level] = Counter()
    with queue_errors():
        for finding in _findings(settings, arguments.within):
            levels[finding.level] += 1
            if arguments.json:
                print_json(finding)
            else:
                _print(finding)
    if not arguments.json:
        print(f"\n{_sum(levels)}")
    return ExitCode.FAILED if levels[Level.PROBLEM] else ExitCode.OK


def _sum(levels: Mapping[Level, int]) -> str:
    problems, warnings = levels.get(Level.PROBLEM, 0), levels.get(Level.WARNING, 0)
    if problems:
        return f"Problems: {problems}."
    if warnings:
        return f"No problems, but warnings: {warnings}."
    return "Nothing here would lose, double or hold messages."


def _findings(settings: Settings, within: float) -> Iterator[Finding]:
    client = connect(settings)
    yield from look_at_redis(client, settings)
    yield from look_at_processes(client, settings, within=within)
    yield from look_at_accounts(client, settings)
    yield from look_at_calibration(client, settings)
    yield from look_at_senders(client, settings)
    yield from look_at_campaigns(client, settings)
    yield from look_at_waiting(client, settings)
    yield from look_at_streams(client, settings)
    yield from look_at_bodies(client, settings)


def _print(finding: Finding) -> None:
    level = coloured(f"{finding.level:<{_LEVEL_WIDTH}}", _COLOURS.get(finding.level))
    print(f"{level}  {finding.subject}: {finding.message}", flush=True)
    if finding.remedy:
        print(f"{'':<{_LEVEL_WIDTH}}  → {finding.remedy}", flush=True)
