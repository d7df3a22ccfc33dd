"""What the Campaigns tab takes for granted of Flower: an upgrade that changes it fails here."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from pathlib import Path

import flower.app
import flower.command
import flower.urls
import flower.views
import tornado.web

from bsg_monitor.campaigns_tab import BEFORE, with_tab
from tests.monitor.flower_process import Visitor

TEMPLATES = Path(flower.urls.settings["template_path"])


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("flower").startswith("2.2.")


def test_the_navigation_bar_has_the_place_for_the_tab_once() -> None:
    navbar = (TEMPLATES / "navbar.html").read_bytes()

    assert navbar.count(BEFORE) == 1
    assert with_tab(navbar).index(b">Campaigns<") < with_tab(navbar).index(b">Workers<")


def test_a_navigation_bar_without_that_place_stays_as_it_is() -> None:
    assert with_tab(b"<nav>something new</nav>") == b"<nav>something new</nav>"


def test_the_last_of_the_handlers_is_the_one_that_knows_no_page() -> None:
    from flower.views.error import NotFoundErrorHandler

    assert flower.urls.handlers[-1][1] is NotFoundErrorHandler


def test_flower_takes_its_handlers_and_settings_from_where_we_put_ours() -> None:
    assert flower.app.default_handlers is flower.urls.handlers
    assert flower.command.settings is flower.urls.settings
    assert flower.urls.settings["xsrf_cookies"] is True


def test_the_base_template_has_the_blocks_that_ours_fill() -> None:
    base = (TEMPLATES / "base.html").read_text("utf-8")

    for block in ("title", "navbar", "container", "extra_scripts"):
        assert f"{{% block {block} %}}" in base
    assert 'Template("navbar.html", active_tab=""' in base


def test_flowers_handler_is_still_tornados_with_a_check_of_its_own() -> None:
    assert issubclass(flower.views.BaseHandler, tornado.web.RequestHandler)
    assert "check_xsrf_cookie" in vars(flower.views.BaseHandler)
    assert "set_default_headers" in vars(flower.views.BaseHandler)
    assert "escape" in inspect.signature(flower.views.BaseHandler.get_argument).parameters


def test_flowers_own_pages_have_the_tab(visitor: Visitor) -> None:
    for path in ("/", "/workers", "/tasks", "/broker", "/campaigns", "/no-such-page"):
        page = visitor.get(path)
        assert 'href="/campaigns"' in page.text, path
        assert ">Workers</a>" in page.text
