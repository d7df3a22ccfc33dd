"""Adds the Campaigns tab to Flower, by what Flower itself has: its handlers, templates and metrics.

Flower has no hook for this. Its handlers and Tornado's settings are lists and dicts of its module `flower.urls`; its
navigation bar has no block, so the tab is put into it as it is loaded. pyproject.toml pins Flower's minor version and
tests/monitor shows what an upgrade breaks.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import flower.urls
from prometheus_client import REGISTRY
from tornado.template import Loader, Template
from tornado.web import StaticFileHandler, url

from bsg_config.settings import Settings
from bsg_ledger.waiting_texts import describe
from bsg_monitor import chart, formatting
from bsg_monitor.campaign_page import CampaignHandler, ControlHandler
from bsg_monitor.campaigns_page import CampaignsHandler
from bsg_monitor.doubts_page import DoubtsHandler, as_shown
from bsg_monitor.metrics import CampaignMetrics
from bsg_monitor.operator_log_page import OperatorLogHandler
from bsg_monitor.rejects_download import RejectsHandler
from bsg_monitor.sources import Sources
from bsg_monitor.streams_page import StreamsHandler

logger = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
NAVBAR = "navbar.html"
CAMPAIGN_ID = "[0-9A-Za-z]{22}"
TAB = b"""<li class="nav-item">
          <a class="nav-link{% if active_tab == 'campaigns' %} active{% end %}"
            href="{{ reverse_url('campaigns') }}"
            {% if active_tab == 'campaigns' %}aria-current="page"{% end %}>Campaigns</a>
        </li>
        """
BEFORE = b"""<li class="nav-item">
          <a class="nav-link{% if active_tab == 'workers' %} active{% end %}\""""
"""The text in Flower's navigation bar before which the tab is inserted: its first own tab."""


def add_campaigns_tab(settings: Settings) -> None:
    """Make every Flower of this process show campaigns. Connect to nothing yet."""
    sources = Sources(settings)
    # Flower's /metrics shows all that is in the registry. The observer connects at its first use, and not here.
    REGISTRY.register(CampaignMetrics(lambda: sources.observer.figures()))
    initial = {"sources": sources}
    ours = [
        url(r"/campaigns", CampaignsHandler, initial, name="campaigns"),
        url(r"/campaigns/doubts", DoubtsHandler, initial, name="campaigns-doubts"),
        url(r"/campaigns/streams", StreamsHandler, initial, name="campaigns-streams"),
        url(rf"/campaigns/({CAMPAIGN_ID})", CampaignHandler, initial, name="campaign"),
        url(
            rf"/campaigns/({CAMPAIGN_ID})/(pause|resume|cancel|retry)", ControlHandler, initial, name="control-campaign"
        ),
        url(r"/campaigns/operators", OperatorLogHandler, initial, name="campaigns-operators"),
        url(rf"/campaigns/({CAMPAIGN_ID})/rejects", RejectsHandler, initial, name="campaign-rejects"),
        url(r"/campaigns/static/(.*)", StaticFileHandler, {"path": str(STATIC)}, name="campaigns-static"),
    ]
    flower.urls.handlers[-1:-1] = ours  # the last one responds with 404 to everything
    loader = CampaignsLoader(
        flower.urls.settings["template_path"],
        namespace={
            "number": formatting.number,
            "utc_time": formatting.format_time,
            "duration": formatting.duration,
            "seconds": formatting.seconds,
            "rate": formatting.rate,
            "waits_for": formatting.waits_for,
            "describe": describe,
            "as_shown": as_shown,
            "CHART_WIDTH": chart.WIDTH,
            "CHART_HEIGHT": chart.HEIGHT,
            "CAMPAIGNS_VERSION": _version(),
        },
    )
    for name in (NAVBAR, *(path.name for path in TEMPLATES.iterdir())):
        loader.load(name)  # compiling them takes a good part of the first view
    flower.urls.settings["template_loader"] = loader


class CampaignsLoader(Loader):
    """Load Flower's templates, with the tab in its navigation bar, and our own."""

    def _create_template(self, name: str) -> Template:
        own = TEMPLATES / Path(name).name
        if own.is_file():
            return Template(own.read_bytes(), name=name, loader=self)
        if name == NAVBAR:
            return Template(with_tab((Path(self.root) / name).read_bytes()), name=name, loader=self)
        return super()._create_template(name)


def with_tab(navbar: bytes) -> bytes:
    """Return Flower's navigation bar with the tab, or unchanged if it has no place for the tab."""
    if navbar.count(BEFORE) != 1:
        logger.warning("This version of Flower has no place for the Campaigns tab: open /campaigns by its address.")
        return navbar
    return navbar.replace(BEFORE, TAB + BEFORE)


def _version() -> str:
    """Return a version that changes with our scripts and styles, so that browsers do not use cached ones."""
    contents: Any = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        contents.update(path.read_bytes())
    return str(contents.hexdigest()[:12])
