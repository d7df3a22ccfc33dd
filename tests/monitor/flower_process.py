"""Flower as a process of its own, read over HTTP as a browser would read it."""

from __future__ import annotations

import http.cookiejar
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes import wait_until
from tests.servers import free_port


@dataclass(frozen=True)
class Page:
    status: int
    text: str
    headers: Mapping[str, str]

    def cell(self, name: str, column: str, *, row_of: str = "campaign") -> str:
        """Return what stands in a column of the campaign's row, without its markup; "" if there is no such row."""
        row = re.search(rf'<tr data-{row_of}="{name}">(.*?)</tr>', self.text, re.DOTALL)
        cell = row and re.search(rf'data-column="{column}"[^>]*>(.*?)</td>', row[1], re.DOTALL)
        return _plain(cell[1]) if cell else ""

    def element(self, name: str) -> str:
        """Return the text of the element with that id; "" if there is none."""
        found = re.search(rf'id="{name}"[^>]*>(.*?)</(?:dd|strong|span|p|section)>', self.text, re.DOTALL)
        return _plain(found[1]) if found else ""

    def counted(self, attribute: str) -> dict[str, str]:
        """Return each element that has the attribute `data-…`: its value and its text."""
        return {name: _plain(text) for name, text in re.findall(rf'data-{attribute}="([^"]*)">(.*?)</dd>', self.text)}

    @property
    def token(self) -> str:
        found = re.search(r'name="_xsrf" value="([^"]+)"', self.text)
        assert found, "the page has no token"
        return found[1]


def _plain(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", markup)).split())


class FlowerProcess:
    """Entering the context starts it; leaving ends it. `settings` are its environment."""

    def __init__(self, directory: Path, settings: Mapping[str, str], *words: str, prefix: str = "") -> None:
        self.port = free_port()
        self.log = directory / "flower.log"
        self.prefix = prefix
        self._directory = directory
        self._command = [
            *(sys.executable, "-m", "celery", "-A", "bsg_monitor", "flower", f"--port={self.port}"),
            *([f"--url_prefix={prefix.strip('/')}"] if prefix else []),
            *words,
        ]
        self._environment = {**os.environ, **settings}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                self._command, cwd=self._directory, env=self._environment, stdout=output, stderr=output
            )

        def listening() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return "Visit me" in self.log.read_text()

        wait_until(listening, within=30, what="Flower to listen")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(15)


class Visitor:
    """Somebody with a browser's cookies, and without its script."""

    def __init__(self, flower: FlowerProcess, **headers: str) -> None:
        self._flower = flower
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str, **headers: str) -> Page:
        return self._ask(path, None, headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Page:
        return self._ask(path, urllib.parse.urlencode(fields).encode(), headers)

    def press(self, campaign_id: str, action: str, **fields: str) -> Page:
        """Presses a button of the campaign's page."""
        token = self.get(f"/campaigns/{campaign_id}").token
        return self.post(f"/campaigns/{campaign_id}/{action}", {"_xsrf": token, **fields})

    def _ask(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> Page:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self._flower.url + path, body, {**self._headers, **named})
        try:
            with self._opener.open(request, timeout=15) as response:
                return Page(response.status, response.read().decode(), dict(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.code, error.read().decode(), dict(error.headers))
