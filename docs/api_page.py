"""The page of the reference on Python: what an app calls, what it gets and what is raised."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import django
from django.conf import settings as project
from markdown_texts import documentation, fields_of

import bsg_producer
from bsg_config.settings import Settings
from bsg_ledger.delivery_reports import DeliveryReport
from bsg_ledger.gate import GateState
from bsg_ledger.records import Batch, CampaignStatus, CampaignSummary, MessageRange, Transition
from bsg_producer import (
    Doubt,
    ListedStream,
    MessageReceipt,
    MessageReport,
    MessageStatus,
    Preview,
    Producer,
    Receipt,
    Reject,
    Resolved,
    Stream,
    StreamStatus,
    Suppression,
)
from bsg_producer import fastapi as of_fastapi
from bsg_producer.callbacks import asgi_callbacks, callbacks
from bsg_producer.files import MessageFile, Reading, international
from bsg_producer.flask import BSGCampaigns
from bsg_testing import CampaignsEnvironment, Outbox, OutboxMessage

SHOWN = (
    Receipt, Preview, CampaignStatus, CampaignSummary, Batch, Transition, MessageRange, Reject,
    MessageReceipt, MessageStatus, MessageReport, ListedStream, StreamStatus, DeliveryReport, Doubt, Resolved,
    Suppression, GateState,
)  # fmt: skip


def api_page() -> Iterator[str]:
    yield "`from bsg_producer import …`"
    yield ""
    yield "In the examples, `producer` is a `Producer`. `campaign_id` is a campaign of three messages: two were"
    yield "delivered, and the last one is a reject. `refused_id` is a campaign of one message, which BSG refused."
    yield "`batch_id` is a batch of two messages in doubt."
    yield ""
    yield "## `Producer`"
    yield ""
    yield documentation(Producer)
    yield ""
    yield "`AsyncProducer` has the same methods. Await them, or iterate over them with `async for`."
    yield ""
    yield from _methods(Producer)
    yield "## `Stream`"
    yield ""
    yield documentation(Stream)
    yield ""
    yield "`AsyncProducer.stream` returns an `AsyncStream`, which has the same methods. Await them, or iterate over"
    yield "`send_many` with `async for`."
    yield ""
    yield from _methods(Stream)
    yield "## Settings"
    yield ""
    yield "`from bsg_config.settings import Settings`. [Settings](settings.md) lists each of them."
    yield ""
    yield documentation(Settings)
    yield ""
    yield from _described(Settings.from_environment, Settings.build)
    yield "## Files and callbacks"
    yield ""
    yield "`from bsg_producer.files import …`, and `from bsg_producer.callbacks import …`"
    yield ""
    yield from _described(MessageFile, Reading, international, callbacks, asgi_callbacks)
    yield from _django()
    yield "## Flask"
    yield ""
    yield "`from bsg_producer.flask import BSGCampaigns`, and [a page](../how-to/flask.md)"
    yield ""
    yield from _methods(BSGCampaigns)
    yield "## FastAPI"
    yield ""
    yield "`from bsg_producer.fastapi import …`, and [a page](../how-to/fastapi.md)"
    yield ""
    yield from _described(of_fastapi.lifespan, of_fastapi.get_producer, of_fastapi.callbacks)
    yield "## Tests"
    yield ""
    yield "`from bsg_testing import …`, and [a page](../how-to/testing-your-app.md). The fixture `campaigns` of pytest"
    yield "is a `CampaignsEnvironment`."
    yield ""
    yield documentation(CampaignsEnvironment)
    yield ""
    yield from _methods(CampaignsEnvironment)
    yield from _described(Outbox)
    yield from _methods(Outbox)
    yield from _described(OutboxMessage)
    yield from fields_of(OutboxMessage)
    yield "## What is shown"
    yield ""
    for kind in SHOWN:
        yield from _described(kind)
        yield from fields_of(kind)
    yield "## What is raised"
    yield ""
    for name in bsg_producer.__all__:
        kind = getattr(bsg_producer, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            yield f"**`{name}`** – {documentation(kind)}"
            yield ""


def _django() -> Iterator[str]:
    project.configure(INSTALLED_APPS=["bsg_campaigns_django"])
    django.setup()
    from bsg_campaigns_django import enqueue_on_commit, models, producer, send_on_commit

    yield "## Django"
    yield ""
    yield "`from bsg_campaigns_django import Outgoing, enqueue_on_commit, producer, send_on_commit`, and"
    yield "[a page](../how-to/django.md)"
    yield ""
    yield from _described(producer, enqueue_on_commit, send_on_commit)
    yield from _described(models.Outgoing)
    yield "`Outgoing.objects` is a manager with two methods more:"
    yield ""
    yield from _methods(models.OutgoingQuerySet)
    yield "`from bsg_campaigns_django.models import …`"
    yield ""
    yield from _described(models.Campaign, models.Message)


def _described(*subjects: Any) -> Iterator[str]:
    for subject in subjects:
        yield f"### `{subject.__name__}`"
        yield ""
        yield documentation(subject)
        yield ""


def _methods(kind: type) -> Iterator[str]:
    """Yield the public methods, and the properties that have a docstring."""
    for name, member in inspect.getmembers(kind):
        function = member.fget if isinstance(member, property) else member
        if name.startswith("_") or not (inspect.isfunction(function) and function.__module__.startswith("bsg_")):
            continue
        if function is member:
            yield from _member(name, _signature(name, member), member)
        elif inspect.getdoc(member):
            yield from _member(name, f"{name}: {inspect.signature(function).return_annotation}", member)


def _member(name: str, signature: str, member: Any) -> Iterator[str]:
    yield f"### `{name}`"
    yield ""
    yield "```python"
    yield signature
    yield "```"
    yield ""
    yield documentation(member)
    yield ""


def _signature(name: str, method: Any) -> str:
    signature = inspect.signature(method)
    parameters = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
    # Annotations are texts, and would be shown between quotation marks.
    written = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(signature.replace(parameters=parameters)))
    if len(written) < 90:
        return name + written
    inside = ",\n    ".join(re.split(r", (?=\*|[a-z_]+:)", written[1 : written.rindex(")")]))
    return f"{name}(\n    {inside},\n){written[written.rindex(')') + 1 :]}"
