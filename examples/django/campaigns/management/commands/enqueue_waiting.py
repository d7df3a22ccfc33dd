"""`manage.py enqueue_waiting`, from cron: mailings whose campaign was not accepted when they were saved."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from bsg_producer import BSGCampaignsError
from campaigns.models import Mailing


class Command(BaseCommand):
    help = "Has the campaigns of mailings accepted that were not yet; repeating it is safe."

    def handle(self, *_: Any, **__: Any) -> None:
        for mailing in Mailing.objects.filter(campaign_id="", problem=""):
            try:
                mailing.enqueue()
            except BSGCampaignsError as error:
                self.stderr.write(f"{mailing}: {error}")
            else:
                self.stdout.write(f"{mailing}: {mailing.campaign_id}")
