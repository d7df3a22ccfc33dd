"""A test kit for apps that send through bsg-campaigns: a throw-away Redis, the sandbox, an outbox, and moved time."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bsg_testing.environment import CampaignsEnvironment
    from bsg_testing.outbox import Outbox, OutboxMessage
else:
    # pytest imports this package with the plugin, also in suites that never use it.
    def __getattr__(name: str) -> object:
        if name not in _IMPORTED_ON_USE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_IMPORTED_ON_USE[name]), name)


_IMPORTED_ON_USE = {
    "CampaignsEnvironment": "bsg_testing.environment",
    "Outbox": "bsg_testing.outbox",
    "OutboxMessage": "bsg_testing.outbox",
}

__all__ = ["CampaignsEnvironment", "Outbox", "OutboxMessage"]
