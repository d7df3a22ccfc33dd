"""Delete rows of what has ended. The ledger forgets by itself, and the models do not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError, QuerySet, RestrictedError

from bsg_campaigns_django.models import Campaign, Outgoing, OutgoingState
from bsg_ledger.states import FINAL_CAMPAIGN_STATES

ROWS_AT_ONCE = 500


def prune_campaigns(before: datetime, using: str) -> int:
    """Delete campaigns that were accepted before that and have ended, with their messages. Return how many campaigns.

    Campaigns are kept that a row of the project protects.
    """
    return _prune(Campaign.objects.using(using).filter(state__in=FINAL_CAMPAIGN_STATES, accepted_at__lt=before))


def prune_outgoing(before: datetime, using: str) -> int:
    """Delete rows that were written before that and carried over, or expired. Return how many.

    Rows are kept that a row of the project protects, and those that an operator may send again.
    """
    rows = Outgoing.objects.using(using).filter(created_at__lt=before)
    rows = rows.filter(state__in=(OutgoingState.CARRIED, OutgoingState.EXPIRED))  # guard: waiting-rows-kept
    return _prune(rows)


def _prune(rows: QuerySet) -> int:
    deleted, last = 0, None
    while True:
        left = rows if last is None else rows.filter(pk__gt=last)
        keys = list(left.order_by("pk").values_list("pk", flat=True)[:ROWS_AT_ONCE])
        if not keys:
            return deleted
        deleted += _delete_unprotected(rows, keys)
        last = keys[-1]


def _delete_unprotected(rows: QuerySet, keys: Sequence[Any]) -> int:
    """Delete the rows with these keys that nothing protects: all at once if that can be, otherwise by halves."""
    try:
        with transaction.atomic(using=rows.db):
            _, of_each = rows.filter(pk__in=keys).delete()
            return of_each.get(rows.model._meta.label, 0)
    except (ProtectedError, RestrictedError):
        half = len(keys) // 2
        return half and _delete_unprotected(rows, keys[:half]) + _delete_unprotected(rows, keys[half:])
