"""Flower's options: safe defaults, and never access without login from other machines."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path

import click
import flower.options  # noqa: F401  (defines the options that are set here)
from tornado.options import OptionParser
from tornado.options import options as flower_options

# The environment (FLOWER_ADDRESS, …), flowerconfig.py and the command line override these.
SAFE_OPTIONS: dict[str, object] = {
    "address": "127.0.0.1",
    # Shutting workers down and revoking or starting tasks is not for whoever can open a page.
    "read_only": True,
    # The 100 000 that Flower keeps by itself are hundreds of megabytes.
    "max_tasks": 10_000,
    "persistent": False,
    "natural_time": True,
    # Workers get a new name whenever a container is made anew.
    "purge_offline_workers": 3600,
}


def apply_safe_options(options: OptionParser = flower_options) -> None:
    """Set the safe options, and make Flower refuse an address that others reach without login."""
    for name, value in SAFE_OPTIONS.items():
        setattr(options, name, value)
    options.add_parse_callback(_refuse_open_door(options))


def is_open_door(options: OptionParser) -> bool:
    """Return whether users of other machines would have access without login."""
    guarded = bool(options.basic_auth) or (bool(options.auth) and bool(options.auth_provider))
    return not guarded and not options.unix_socket and not _is_loopback(options.address)


def _refuse_open_door(options: OptionParser) -> Callable[[], None]:
    parsed_before = False

    def refuse() -> None:
        # Flower parses its command line to find its configuration file, and again after reading that.
        nonlocal parsed_before
        last = parsed_before or not Path(options.conf).absolute().is_file()
        parsed_before = True
        if last and is_open_door(options):  # guard: no-open-door
            raise click.UsageError(
                f"Flower would be open to everybody at address {options.address or '(all)'}. Set "
                "FLOWER_BASIC_AUTH=user:password (or --basic_auth, or --auth with --auth_provider), or leave "
                "the address at 127.0.0.1."
            )

    return refuse


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
