"""Ports on loopback."""

from __future__ import annotations

import socket

from bsg_cli.errors import BadInput

_HIGHEST_PORT = 65_535


def free_port(wanted: int, option: str) -> int:
    """Return `wanted` if it is free, or any free port for 0. Raise BadInput, which names the option."""
    if not 0 <= wanted <= _HIGHEST_PORT:
        raise BadInput(f"{wanted} is not a port. Give {option} one from 1 to {_HIGHEST_PORT}; 0 picks a free one.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            raise BadInput(f"Port {wanted} is taken. Name another with {option}; 0 picks a free one.") from None
        port: int = probe.getsockname()[1]
        return port
