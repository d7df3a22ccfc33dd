"""`manage.py bsg_follow`: keeps the models up to date, and carries outgoing rows over."""

from __future__ import annotations

import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, Error, close_old_connections

from bsg_campaigns_django.configuration import producer
from bsg_campaigns_django.follower import follow
from bsg_campaigns_django.following import ReceiverFailed
from bsg_config.settings_invalid import SettingsInvalid
from bsg_producer import BSGCampaignsError

DEFAULT_INTERVAL = 0.5


class Command(BaseCommand):
    help = "Follows campaigns and delivery reports into the database, and carries outgoing messages and campaigns over."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when nothing is left to do")
        parser.add_argument(
            "--interval",
            type=float,
            default=DEFAULT_INTERVAL,
            metavar="SECONDS",
            help="how long to wait when nothing is left to do (default: %(default)s)",
        )
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, metavar="ALIAS", help="the database of the models")

    def handle(self, *_: Any, once: bool, interval: float, database: str, **__: Any) -> None:
        stopped, reported = Event(), ""
        if not once:
            signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        while not stopped.is_set():
            failure = ""
            try:
                done = follow(producer(), database)
            except SettingsInvalid as error:
                raise CommandError(str(error)) from error
            except (BSGCampaignsError, ReceiverFailed, Error) as error:
                if once:
                    raise CommandError(str(error)) from error
                done, failure = 0, f"{type(error).__name__}: {error}"
            if failure != reported:  # not each time: Redis may be away for hours
                self.stderr.write(f"{failure}. It is tried again." if failure else "The follower works again.")
                reported = failure
            if once and not done:
                return
            if not done:
                stopped.wait(interval)
            if not once:
                close_old_connections()
