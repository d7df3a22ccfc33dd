"""Every public name has an example in its docstring, and every example does what it shows."""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import io
import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import bsg_producer
import bsg_producer.callbacks
import bsg_producer.fastapi
import bsg_producer.files
import bsg_testing
import tests.campaigns_django  # noqa: F401 - sets Django up
from bsg_campaigns_django.configuration import SETTING, forget_settings
from bsg_config.settings import Settings
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_messages import rules
from bsg_messages.sending_hours import SendingHours
from bsg_messages.template import Template
from bsg_producer import AsyncProducer, AsyncStream, Producer, Stream
from bsg_producer.flask import BSGCampaigns
from bsg_producer.http_statuses import http_status
from bsg_sandbox.accounts import Account
from bsg_sandbox.control import Control
from bsg_sandbox.server import Sandbox
from bsg_sandbox.settings import SandboxSettings
from bsg_testing import CampaignsEnvironment
from bsg_worker.poll.poll import poll
from tests.worker.harness import WorkerHarness

ROOT = Path(__file__).parents[2]
GOOD = [{"phone": 380_660_000_000}, {"phone": 380_660_000_001}]

IMPORTED: Mapping[str, Any] = {
    **{name: getattr(bsg_producer, name) for name in bsg_producer.__all__},
    **{name: getattr(bsg_producer.files, name) for name in bsg_producer.files.__all__},
    **{name: getattr(bsg_testing, name) for name in bsg_testing.__all__},
    **{"BatchId": BatchId, "Settings": Settings, "Sandbox": Sandbox, "Control": Control},
    **{"UTC": UTC, "ZoneInfo": ZoneInfo, "datetime": datetime, "timedelta": timedelta},
    **{"asyncio": asyncio, "io": io, "json": json, "urllib": urllib},
}
"""What every example may use without an import."""


def finished(harness: WorkerHarness) -> str:
    """Return a campaign of three messages: two were delivered, and the last one is a reject."""
    campaign = harness.producer.enqueue([*GOOD, {"phone": "12"}], sender="MyShop", text="Hello!").campaign_id
    harness.prepare_and_submit(campaign)
    harness.sandbox.advance(60)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    return campaign


def refused(harness: WorkerHarness) -> str:
    """Return a campaign of one message, which BSG has refused."""
    harness.sandbox.fault("http_200_error", code=6, times=1)
    return harness.submitted(1)


def in_doubt(harness: WorkerHarness) -> str:
    """Return a batch of two messages that was on the wire without a clear response."""
    return harness.unconfirmed(harness.prepared(2)).batch


def reached(harness: WorkerHarness) -> Sandbox:
    """Return a sandbox at which a campaign of two messages has arrived."""
    harness.submitted(2)
    return harness.sandbox


PREPARED: Mapping[str, Callable[[WorkerHarness], object]] = {
    "producer": lambda harness: harness.producer,
    "sandbox": reached,
    "control": lambda harness: Control(harness.sandbox.url),
    "campaign_id": finished,
    "refused_id": refused,
    "batch_id": in_doubt,
}
"""What an example finds under these names, as the head of docs/reference/api.md describes."""


def public() -> Iterator[tuple[str, object]]:
    """Yield each public name, with what it names."""
    for package in (bsg_producer, bsg_producer.files, bsg_producer.callbacks, bsg_testing):
        yield from ((name, getattr(package, name)) for name in package.__all__)
    alone = (http_status, Settings, Control, SandboxSettings, Account)
    yield from ((thing.__name__, thing) for thing in alone)
    yield from ((f"Settings.{name}", getattr(Settings, name)) for name in ("from_environment", "build"))
    yield from ((f"fastapi.{name}", getattr(bsg_producer.fastapi, name)) for name in bsg_producer.fastapi.__all__)
    kinds = (Producer, AsyncProducer, Stream, AsyncStream, BSGCampaigns, Template, SendingHours, Sandbox)
    for kind in (*kinds, CampaignsEnvironment):
        yield kind.__name__, kind
        yield from ((f"{kind.__name__}.{name}", getattr(kind, name)) for name in dir(kind) if not name.startswith("_"))
    for name, rule in inspect.getmembers(rules, inspect.isfunction):
        if rule.__module__ == rules.__name__ and not name.startswith("_"):
            yield f"rules.{name}", rule


PUBLIC = {name: thing for name, thing in public() if inspect.isclass(thing) or inspect.isroutine(thing)}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_an_example(name: str) -> None:
    assert ">>> " in (inspect.getdoc(PUBLIC[name]) or "")


def examples() -> dict[str, doctest.DocTest]:
    """Return the docstrings with examples, by their names."""
    found = {}
    for path in sorted(ROOT.glob("*/bsg_*/**/*.py")):
        if ">>> " in path.read_text("utf-8"):
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts[1:]))
            # A method that AsyncProducer or AsyncStream takes over has the same docstring.
            found.update({test.docstring: test for test in doctest.DocTestFinder(exclude_empty=True).find(module)})
    return {test.name: test for test in found.values() if test.examples}


EXAMPLES = examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_it_shows(name: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    test = EXAMPLES[name]
    written: list[str] = []

    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        for variable, value in harness.environment.items():
            monkeypatch.setenv(variable, value)
        used = {node.id for node in ast.walk(ast.parse(source_of(test))) if isinstance(node, ast.Name)}
        test.globs = {**IMPORTED, **test.globs} | {
            prepared: prepare(harness)
            for prepared, prepare in PREPARED.items()
            if prepared in used and prepared not in test.globs
        }
        forget_settings(setting=SETTING)
        result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=written.append)

    assert result.failed == 0, "".join(written)


def source_of(test: doctest.DocTest) -> str:
    return "\n".join(example.source for example in test.examples)
