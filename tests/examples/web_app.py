"""An example app as its README starts it, and somebody who uses it over HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from tests.processes import wait_until
from tests.servers import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
CONTACTS = "phone,name\n+380 66 123-12-31,Olena\n12,Nobody\n+380 66 123-12-32,Taras\n"
FORM = {"name": "Autumn sale", "sender": "MyShop", "text": "Hi {{ name }}"}


class WebApp:
    """Entering the context starts `python -m WORDS… PORT` in the example's folder; leaving ends it."""

    def __init__(self, folder: str, words: Sequence[str], settings: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = EXAMPLES / folder
        self.environment = {**os.environ, **settings}
        self._words = [word.replace("PORT", str(self.port)) for word in words]
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._words],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        wait_until(self._responds, what="the app to respond")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(15)

    def log(self) -> str:
        """Return what the app has printed and logged."""
        return self._log.read_text("utf-8", "replace")

    def _responds(self) -> bool:
        assert self._process.poll() is None, self.log()
        try:
            requests.get(self.url, timeout=5)
        except requests.ConnectionError:
            return False
        return True


class Visitor:
    """A browser without its script: it keeps cookies, and sends a form with the hidden fields that it came with."""

    def __init__(self, app: WebApp) -> None:
        self._url = app.url
        self._session = requests.Session()

    def get(self, path: str) -> requests.Response:
        return self._session.get(self._url + path, timeout=15)

    def form(self, path: str = "/", fields: Mapping[str, str] = FORM) -> dict[str, str]:
        """Return the hidden fields of the form on that page, with what belongs into the others."""
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.get(path).text)
        return {**{name: unescape(value) for name, value in hidden}, **fields}

    def send(self, path: str, fields: Mapping[str, str], contacts: str | bytes = CONTACTS) -> requests.Response:
        files = {"contacts": ("contacts.csv", contacts, "text/csv")}
        return self._session.post(self._url + path, data=dict(fields), files=files, timeout=15)

    def post(self, path: str, fields: Mapping[str, str]) -> requests.Response:
        return self._session.post(self._url + path, data=dict(fields), timeout=15)


def cell(page: str, state: str) -> int:
    """Return how many messages the page shows in that state."""
    found = re.search(rf'data-state="{state}">(\d+)<', page)
    assert found, page
    return int(found[1])


def plain(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
