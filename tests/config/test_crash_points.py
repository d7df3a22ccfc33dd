"""Every point that is named stands at one place of the code, and kills only where it is asked for."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bsg_config.crash_points import CrashPoint, reached
from tests.crash_points.arming import arm, armed

ROOT = Path(__file__).parents[2]
SOURCES = ("config", "messages", "ledger", "client", "broker", "producer", "worker", "cli")


def arguments_of_reached() -> Iterator[str]:
    for source in SOURCES:
        for path in (ROOT / source).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reached":
                    (argument,) = node.args
                    yield ast.unparse(argument)


def test_every_point_stands_at_one_place_of_the_code() -> None:
    assert Counter(arguments_of_reached()) == Counter(f"CrashPoint.{point.name}" for point in CrashPoint)


def test_points_are_named_in_one_style() -> None:
    for point in CrashPoint:
        module, colon, moment = point.partition(": ")
        assert colon, point
        assert module.isalpha(), point
        assert moment == moment.strip(), point
        assert point.name.startswith(f"{module.upper()}_")


def test_nothing_dies_where_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BSG_CRASH_AT", raising=False)
    reached(CrashPoint.SUBMIT_CLAIMED)
    monkeypatch.setenv("BSG_CRASH_AT", str(arm(tmp_path, CrashPoint.SUBMIT_RECORDED)))
    reached(CrashPoint.SUBMIT_CLAIMED)
    assert armed(tmp_path) == {CrashPoint.SUBMIT_RECORDED}


def test_the_first_process_to_come_by_dies_and_the_next_one_passes(tmp_path: Path) -> None:
    program = "from bsg_config.crash_points import CrashPoint, reached; reached(CrashPoint.SUBMIT_CLAIMED)"
    environment = {**os.environ, "BSG_CRASH_AT": str(arm(tmp_path, CrashPoint.SUBMIT_CLAIMED))}

    codes = [subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode for _ in range(2)]

    assert codes == [-signal.SIGKILL, 0]
