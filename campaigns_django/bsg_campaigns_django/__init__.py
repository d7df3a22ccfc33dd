"""SMS campaigns in a Django project: models, admin, checks, signals, and an outbox in the project's own transactions.

Add "bsg_campaigns_django" to INSTALLED_APPS, and run `manage.py bsg_follow` beside the web processes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bsg_campaigns_django.configuration import producer
    from bsg_campaigns_django.models import Outgoing
    from bsg_campaigns_django.on_commit import enqueue_on_commit, send_on_commit
else:
    # Django imports this package before models can be imported. Type checkers do not see this function.
    def __getattr__(name: str) -> object:
        if name not in _IMPORTED_ON_USE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_IMPORTED_ON_USE[name]), name)


_IMPORTED_ON_USE = {
    "Outgoing": "bsg_campaigns_django.models",
    "enqueue_on_commit": "bsg_campaigns_django.on_commit",
    "producer": "bsg_campaigns_django.configuration",
    "send_on_commit": "bsg_campaigns_django.on_commit",
}

__all__ = ["Outgoing", "enqueue_on_commit", "producer", "send_on_commit"]
