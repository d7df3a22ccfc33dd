"""What only BSG can say, asked on behalf of the producer's callers."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_REMEDY = "which needs requests: pip install 'bsg-campaigns[worker]'"


def ask_bsg(module: str, what: str) -> Any:
    """Return a module of the worker that asks BSG. Raise ModuleNotFoundError, with the remedy, without the extra.

    BSG's client belongs to the workers; an app that only enqueues needs neither it nor `requests`.
    """
    try:
        return import_module(f"bsg_worker.{module}")
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(f"{what} is read from BSG, {_REMEDY}", name=missing.name) from None
