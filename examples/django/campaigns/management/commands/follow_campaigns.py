"""`manage.py follow_campaigns`: keeps the table of mailings up to date by the feed of events."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from bsg_producer import FeedGap
from campaigns.models import FeedPosition, Mailing, update_state
from campaigns.producer import producer


class Command(BaseCommand):
    help = "Writes each campaign's state into its mailing, as it changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when nothing more has happened")

    def handle(self, *_: Any, once: bool, **__: Any) -> None:
        while True:
            try:
                self._follow(once=once)
            except FeedGap:
                self._read_all()
            else:
                return

    def _follow(self, *, once: bool) -> None:
        saved, _ = FeedPosition.objects.get_or_create(pk=1)
        for event in producer().events(since=saved.position or None, follow=not once):
            saved.position = event.position
            with transaction.atomic():  # what was dealt with, and that it was, in one
                update_state(event.campaign_id)
                saved.save()

    def _read_all(self) -> None:
        """What was missed stands in the campaigns themselves: the position first, so that nothing falls between."""
        position = producer().latest_event()
        for campaign_id in Mailing.objects.exclude(campaign_id="").values_list("campaign_id", flat=True):
            update_state(campaign_id)
        FeedPosition.objects.update_or_create(pk=1, defaults={"position": position})
