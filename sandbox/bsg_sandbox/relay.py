"""`python -m bsg_sandbox.relay`: a port on loopback that leads to a sandbox on another host.

The client of this project uses plain HTTP only for loopback. In a container, the sandbox's host is not loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Sequence

from bsg_sandbox.server import LOOPBACK

_AT_ONCE = 65_536


def main(argv: Sequence[str] | None = None) -> None:
    """Relay until a signal ends the process. Raise OSError for a port that is taken."""
    parser = argparse.ArgumentParser(prog="bsg_sandbox.relay", description="A loopback port that leads elsewhere.")
    parser.add_argument("--port", type=int, required=True, help="on loopback")
    parser.add_argument("--to", required=True, metavar="HOST:PORT")
    arguments = parser.parse_args(argv)
    host, _, port = arguments.to.rpartition(":")
    if not host or not port.isdecimal():
        parser.error(f"--to {arguments.to}: not HOST:PORT")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.port, host, int(port)))


async def _serve(port: int, host: str, far_port: int) -> None:
    async def relay(near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, far_port)
        except OSError:
            # The sandbox is not up yet. Its clients see that the connection is cut, and connect again.
            near_writer.close()
            return
        await asyncio.gather(_copy(near_reader, far_writer), _copy(far_reader, near_writer))

    async with await asyncio.start_server(relay, LOOPBACK, port) as server:
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_AT_ONCE):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    main()
