"""The page on Django: its project starts as the page says, and does what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bsg_config.settings import Settings
from bsg_producer import Producer

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "django.md").read_text("utf-8")
SET_UP = "import os, django\nos.environ['DJANGO_SETTINGS_MODULE'] = 'shop.settings'\ndjango.setup()\n"
FOLLOW = "\nfrom django.core.management import call_command\ncall_command('bsg_follow', '--once')\n"


def blocks(language: str) -> Sequence[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def typed(directory: Path, *words: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words,
        cwd=directory,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_on_django_works_block_by_block(redis_url: str, tmp_path: Path) -> None:
    settings, models, urls, query, receivers = blocks("python")
    begin, *rest = blocks("sh")
    typed(tmp_path, "sh", "-euc", begin)
    with (tmp_path / "shop" / "settings.py").open("a") as file:
        file.write(settings.replace("redis://localhost:6379/0", redis_url))
    (tmp_path / "shop" / "models.py").write_text(models)
    (tmp_path / "shop" / "urls.py").write_text(urls)
    producer = Producer(Settings.build(redis_url=redis_url))

    printed = [typed(tmp_path, "sh", "-euc", block) for block in rest]
    (stream,) = producer.streams()
    producer.record_reports([{"reference": "order17", "status": "delivered"}])
    shown = typed(tmp_path, sys.executable, "-c", SET_UP + query + receivers + FOLLOW)

    assert "no issues" in printed[0]
    assert printed[1].splitlines()[-1] == "carried over"
    assert (stream.name, stream.counts["accepted"]) == ("order-updates", 1)
    assert "message None is delivered" in shown
