"""`manage.py bsg_prune`: deletes what has ended long ago from the models."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from bsg_campaigns_django.configuration import settings
from bsg_campaigns_django.pruning import prune_campaigns, prune_outgoing
from bsg_config.settings_invalid import SettingsInvalid

_DAY = 24 * 60 * 60.0


class Command(BaseCommand):
    help = (
        "Deletes campaigns that have ended, with their messages, and outgoing rows that were carried over or expired, "
        "if they are old. What waits, was refused or is in doubt is kept, and so is what a row of yours protects."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=float,
            metavar="DAYS",
            help="the age since it was accepted or written (default: LEDGER_RETENTION, after which Redis forgets it)",
        )
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, metavar="ALIAS", help="the database of the models")

    def handle(self, *_: Any, older_than: float | None, database: str, **__: Any) -> None:
        try:
            seconds = settings().ledger_retention if older_than is None else older_than * _DAY
        except SettingsInvalid as invalid:
            raise CommandError(str(invalid)) from invalid
        if seconds < 0:
            raise CommandError("--older-than must not be negative")
        before = timezone.now() - timedelta(seconds=seconds)
        outgoing = prune_outgoing(before, database)
        campaigns = prune_campaigns(before, database)
        self.stdout.write(
            f"Deleted {campaigns} campaigns and {outgoing} outgoing rows that are older than {seconds / _DAY:g} days."
        )
