"""The documentation is what the code says, becomes a site without a warning, and its tutorial works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.running import environment
from tests.monitor.screenshots import PICTURES
from tests.processes import wait_until
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUNS_ON = re.compile(r"^bsg-campaigns (sandbox|up)\b", re.MULTILINE)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse writes its help otherwise in each version")
def test_the_reference_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "write_reference.py"), "--check"],
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", str(DOCS), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reference" / "api.html").is_file()


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set(re.findall(r"^[a-z/-]+(?:README)?$", (DOCS / "index.md").read_text(), re.MULTILINE))

    assert {str(page.relative_to(DOCS))[:-3] for page in DOCS.rglob("*.md")} - {"index"} == listed


def test_the_pictures_of_flower_are_those_that_make_screenshots_takes_and_all_are_shown() -> None:
    shown = re.findall(r"\]\(\.\./images/(\S+\.png)\)", (DOCS / "how-to" / "watch-in-flower.md").read_text())

    assert sorted(shown) == sorted(PICTURES)
    assert {picture.name for picture in (DOCS / "images").iterdir()} == PICTURES


class Reader:
    """Somebody who types the tutorial's blocks, each program that goes on in a terminal of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        address = {"BSG_API_KEY": "live_sandbox", "BSG_BASE_URL": f"http://127.0.0.1:{self.port}"}
        address["BSG_POLL_INTERVAL"] = "0.5"  # not to wait as long as a reader does
        here = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        self.environment = {**environment(**address), **here}

    @contextmanager
    def running(self, block: str) -> Iterator[Path]:
        log = self.directory / f"{RUNS_ON.findall(block)[0]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {RUNS_ON.search(block)[0]} {self._rest(block)}"],  # type: ignore[index]
                cwd=self.directory,
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        try:
            wait_until(lambda: "http://127.0.0.1" in log.read_text(), within=60, what=f"{log.name} to be ready")
            yield log
        finally:
            process.terminate()
            process.wait(60)

    def _rest(self, block: str) -> str:
        found = RUNS_ON.search(block)
        assert found
        return block[found.end() :].strip().replace("8700", str(self.port))

    def typed(self, language: str, block: str) -> str:
        program = ["bash", "-euc", block] if language == "sh" else [sys.executable, "-c", block]
        done = subprocess.run(
            program, cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def test_the_tutorial_works_block_by_block(tmp_path: Path) -> None:
    blocks = BLOCK.findall((DOCS / "tutorial.md").read_text())
    begun = [block for _, block in blocks if RUNS_ON.search(block)]
    reader = Reader(tmp_path)

    with reader.running(begun[0]), reader.running(begun[1]):
        typed = [reader.typed(language, block) for language, block in blocks if not RUNS_ON.search(block)]

    assert len(begun) == 2
    _, dry_run, watched, rejects, from_python = typed
    assert "line 3" in dry_run
    assert "done" in watched
    assert "invalid_phone" in rejects
    assert from_python.splitlines()[-1] == "25000"
