"""`python -m bsg_sandbox`: a sandbox as a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence

from bsg_sandbox.server import LOOPBACK, Sandbox
from bsg_sandbox.settings import SandboxSettingsInvalid

MISUSE = 2
_SECONDS_BETWEEN_LOOKS = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Return 0, or 2 for wrong arguments or a port that is taken."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else MISUSE
    settings = {"seed": arguments.seed, "latency": arguments.latency, "sink": arguments.sink}
    try:
        sandbox = Sandbox(arguments.port, host=arguments.host, **settings)
    except SandboxSettingsInvalid as fault:
        return _misuse(str(fault))
    except (OSError, OverflowError) as fault:
        return _misuse(f"cannot listen on {arguments.host} port {arguments.port}: {fault}; try --port 0")
    _serve(sandbox, arguments.parent)
    return 0


def _serve(sandbox: Sandbox, parent: int | None) -> None:
    stopped, stopping = socket.socketpair()
    # Send a byte on a socket: a signal handler that sets an Event can block for ever on the thread that waits for it.
    before = {
        number: signal.signal(number, lambda *_: stopping.send(b".")) for number in (signal.SIGTERM, signal.SIGINT)
    }
    is_child = parent == os.getppid()
    try:
        with stopped, stopping, sandbox:
            print(json.dumps({"url": sandbox.url}), flush=True)
            while not select.select([stopped], [], [], _SECONDS_BETWEEN_LOOKS)[0]:
                if parent is not None and not _is_alive(parent, is_child=is_child):
                    return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bsg_sandbox", description="BSG One API on loopback. Prints its address as one line of JSON."
    )
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--seed", type=int, default=0, help="of everything that is random")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each response")
    parser.add_argument("--sink", action="store_true", help="count what is posted, keep none of it")
    parser.add_argument("--parent", type=int, metavar="PID", help="stop when this process is gone")
    return parser


def _is_alive(process: int, *, is_child: bool) -> bool:
    # A parent that has ended still takes signals until it is reaped, but no longer has children.
    if is_child and os.getppid() != process:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _misuse(message: str) -> int:
    print(f"bsg_sandbox: {message}", file=sys.stderr)
    return MISUSE


if __name__ == "__main__":
    sys.exit(main())
