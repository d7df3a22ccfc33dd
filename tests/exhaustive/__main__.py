"""`make explore`: explores the sizes that end, and prints what was visited; exit code 1 if a rule was broken."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.exhaustive.exploring import Exploration, Explorer
from tests.exhaustive.sizes import DEEP, QUICK, TOO_LARGE
from tests.exhaustive.streams import LARGE, SMALL, Stream
from tests.exhaustive.two_campaigns import TwoCampaigns
from tests.servers import AVAILABLE_KINDS, RedisServer

TWO_CAMPAIGNS_QUICK = ((True, 1, ()),)
TWO_CAMPAIGNS = ((True, 2, ()), (False, 2, ()), (True, 2, ("pause",)), (True, 2, ("cancel",)))
BY_NAME = {size.name: size for size in (*QUICK, *DEEP, *TOO_LARGE)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exhaustive", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the sizes of the suite")
    parser.add_argument("--size", action="append", choices=BY_NAME, metavar="NAME", help="only sizes of these names")
    parser.add_argument("--at-most", type=int, help="states of a size")
    parser.add_argument("--stop-at-first", action="store_true", help="end when a rule is found broken")
    parser.add_argument("--server", choices=AVAILABLE_KINDS, default=AVAILABLE_KINDS[0])
    arguments = parser.parse_args()
    sizes = [BY_NAME[name] for name in arguments.size or ()] or (QUICK if arguments.quick else (*QUICK, *DEEP))
    explored: list[Exploration] = []
    broken = False
    with (
        tempfile.TemporaryDirectory() as directory,
        RedisServer(Path(directory), arguments.server) as server,
        server.client() as client,
    ):
        client.config_set("appendonly", "no")  # the scripts' work is asked for here, not the disk's
        for size in sizes:
            explorer = Explorer(client, size)
            try:
                explorer.explore(at_most=arguments.at_most, stop_at_first=arguments.stop_at_first)
            finally:
                print(*(explorer.result, *explorer.result.violations), sep="\n", flush=True)
            explored.append(explorer.result)
            if arguments.stop_at_first and explorer.result.violations:
                break
        if not arguments.size:
            for prepared, workers, operator in TWO_CAMPAIGNS_QUICK if arguments.quick else TWO_CAMPAIGNS:
                both = TwoCampaigns(client, prepared=prepared, workers=workers, operator=frozenset(operator))
                both.explore()
                print(both, flush=True)
                broken = broken or bool(both.broken)
            for stream_size in SMALL if arguments.quick else (*SMALL, *LARGE):
                stream = Stream(client, stream_size)
                stream.explore()
                print(stream, flush=True)
                broken = broken or bool(stream.broken)
    print(_sum(explored))
    return 1 if broken or any(exploration.violations for exploration in explored) else 0


def _sum(explored: list[Exploration]) -> str:
    states = sum(exploration.states for exploration in explored)
    steps = sum(exploration.steps for exploration in explored)
    scripts = sum(exploration.scripts_run for exploration in explored)
    broken = sum(len(exploration.violations) for exploration in explored)
    return (
        f"{len(explored)} sizes: {states} states, {steps} steps, {scripts} runs of the ledger's scripts, "
        f"{broken} rules broken"
    )


if __name__ == "__main__":
    sys.exit(main())
