"""Delivery reports, pushed to the `callback_url` of a campaign. BSG: callback_url, delivery report."""

from __future__ import annotations

import heapq
import ipaddress
import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from bsg_sandbox.campaigns import Campaign
from bsg_sandbox.clock import Clock, format_bsg_time
from bsg_sandbox.presenting import money
from bsg_sandbox.responses import NO_ERRORS
from bsg_sandbox.settings import SandboxSettings

RECEIVED = 200  # BSG: "return this HTTP status code if the data was received successfully"
SECONDS_TO_WAIT = 5.0
_SECONDS_BETWEEN_LOOKS = 0.05


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **options: Any) -> None:
        """Follow no redirect: it does not count as status 200."""


class Callbacks:
    """Pushes a report when a message reaches its final status, and again until it gets 200 or is given up."""

    def __init__(self, clock: Clock, settings: Callable[[], SandboxSettings]) -> None:
        self._clock, self._settings = clock, settings
        self._watched: list[_Watched] = []
        self._waiting: list[tuple[float, int, int, str, bytes]] = []
        self._order = itertools.count()
        self._counts = {"reports": 0, "attempts": 0, "received": 0, "given_up": 0}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        # Push only to the host that the campaign names, through no proxy of the environment.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)

    def watch(self, campaign: Campaign) -> None:
        """Push the reports of a campaign from now on, if it has a `callback_url` to a host that the settings allow."""
        url, hosts = campaign.callback_url, self._settings().callbacks
        if url is None or hosts == "never" or (hosts == "loopback" and not _is_loopback(url)):
            return
        with self._lock:
            self._watched.append(_Watched(campaign, url))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-callbacks", daemon=True)
                self._thread.start()

    def counts(self) -> dict[str, int]:
        """Return how many reports there were, how often they were pushed, and with what result."""
        with self._lock:
            waiting = self._counts["reports"] - self._counts["received"] - self._counts["given_up"]
            return {**self._counts, "waiting": waiting}

    def stop(self) -> None:
        """Push no more reports."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2 * SECONDS_TO_WAIT)

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS_BETWEEN_LOOKS):
            self._collect()
            while self._waiting and self._waiting[0][0] <= time.monotonic() and not self._stopping.is_set():
                _, _, attempt, url, body = heapq.heappop(self._waiting)
                self._push(attempt, url, body)

    def _collect(self) -> None:
        now, zone = self._clock.now(), self._settings().zone_offset_hours
        with self._lock:
            watched = list(self._watched)
        for each in watched:
            for report in each.new_reports(now, zone):
                with self._lock:
                    self._counts["reports"] += 1
                heapq.heappush(self._waiting, (time.monotonic(), next(self._order), 1, each.url, report))
        with self._lock:
            self._watched = [each for each in self._watched if not each.is_over]

    def _push(self, attempt: int, url: str, body: bytes) -> None:
        settings = self._settings()
        is_received = self._is_received(url, body)
        is_last = attempt >= settings.callback_attempts
        with self._lock:
            self._counts["attempts"] += 1
            if is_received or is_last:
                self._counts["received" if is_received else "given_up"] += 1
                return
        due = time.monotonic() + settings.callback_pause * 2 ** (attempt - 1)
        heapq.heappush(self._waiting, (due, next(self._order), attempt + 1, url, body))

    def _is_received(self, url: str, body: bytes) -> bool:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - checked to be http when the campaign was made
        try:
            with self._opener.open(request, timeout=SECONDS_TO_WAIT) as response:
                return bool(response.status == RECEIVED)
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return False
        except (OSError, ValueError):
            return False


class _Watched:
    """A campaign, and how many of its messages have been reported.

    The messages that arrive are reported first, and then those that were held back.
    """

    def __init__(self, campaign: Campaign, url: str) -> None:
        self.url = url
        self.is_over = False
        self._campaign = campaign
        self._reported = 0

    def new_reports(self, now: float, zone: float) -> Iterator[bytes]:
        """Yield the reports, as JSON, of the messages that reached their final status since the last call."""
        campaign = self._campaign
        arrived, ends_at = campaign.ended_rows(now)
        for row in range(self._reported, ends_at):
            yield _report(campaign, row, now, zone, has_arrived=row < arrived)
        self._reported = ends_at
        self.is_over = ends_at == len(campaign.phones)


def _report(campaign: Campaign, row: int, now: float, zone: float, *, has_arrived: bool) -> bytes:
    sent_at = campaign.message_time(row, now)
    arrived_at = campaign.message_time(row, now, campaign.delivery_seconds) if has_arrived else None
    document = {
        **NO_ERRORS,
        "id": str(campaign.first_message_id + row),
        "msisdn": str(campaign.phones[row]),
        "reference": campaign.references[row] or "",
        "status": campaign.message_status(row, now),
        "time_in": format_bsg_time(campaign.timeline.created_at, zone),
        "time_sent": None if sent_at is None else format_bsg_time(sent_at, zone),
        "time_dr": None if arrived_at is None else format_bsg_time(arrived_at, zone),
        "price": money(campaign.price / campaign.size),
        "currency": campaign.currency,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
