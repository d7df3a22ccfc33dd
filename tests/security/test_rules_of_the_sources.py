"""Ruff's security rules are on for everything that is shipped, and each exception from them has its reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = (
    *("config", "messages", "ledger", "client", "broker", "producer", "worker", "monitor", "cli"),
    *("campaigns_django", "sandbox"),
)
SILENCED = re.compile(r"#\s*noqa(?P<codes>:\s*[A-Z0-9, ]+)?(?P<reason>.*)")


def test_the_security_rules_are_on_for_all_that_is_shipped() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]

    assert "S" in rules["select"]
    assert not any(code.startswith("S") and code[1:].isdigit() for code in rules["ignore"])
    assert not [where for where in rules["per-file-ignores"] if where.split("/")[0] in SOURCES]


def test_whatever_silences_a_security_rule_says_why() -> None:
    unexplained = []
    for source in (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")):
        for number, line in enumerate(source.read_text("utf-8").splitlines(), start=1):
            match = SILENCED.search(line)
            if match and re.search(r"\bS\d|^$", match["codes"] or "") and len(match["reason"].strip(" -")) < 10:
                unexplained.append(f"{source.relative_to(ROOT)}:{number}")

    assert unexplained == []
