"""Where BSG's document is not, `make contract` says so, and the tests that need it are skipped by that name."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.contract.document import ROOT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, "BSG_OPENAPI": "nowhere/bsg.yaml"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_target_says_where_it_looked_and_ends_well() -> None:
    ended = run("tests.contract")

    assert ended.returncode == 0
    assert ended.stdout == (
        "make contract: There is no OpenAPI document of BSG's at nowhere/bsg.yaml. BSG_OPENAPI names another file.\n"
    )


def test_the_suite_skips_by_name() -> None:
    ended = run("pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/contract/test_document.py")

    assert ended.returncode == 0
    assert "no OpenAPI document of BSG's at nowhere/bsg.yaml" in ended.stdout
    assert "passed" not in ended.stdout
