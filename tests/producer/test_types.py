"""A type checker sees what `bsg_producer` has, and only that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bsg_producer

ROOT = Path(__file__).parents[2]
PROGRAM = """
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic import BaseModel

from bsg_producer import AsyncProducer, Batch, CampaignStatus, CampaignSummary, Priority, Producer, Transition
from bsg_producer import AsyncStream, Message, MessageReceipt, MessageStatus, Stream
from bsg_producer import Nonsense  # wrong

async def of_asyncio(producer: AsyncProducer, messages: list[dict[str, str]], priority: Priority) -> CampaignStatus:
    await producer.enqueue(messages, priority=priority)
    await producer.enqueue(messages, priority="urgent")  # wrong
    return await producer.status("ID")

def of_threads(producer: Producer, messages: list[dict[str, str]]) -> list[Transition]:
    producer.enqueue(messages, priority="high")
    producer.enqueue(messages, priority="urgent")  # wrong
    summaries: list[CampaignSummary] = list(producer.campaigns())
    batches: list[Batch] = list(producer.status("ID").batches)
    return list(producer.events())

class Order(Message):
    name: str

@dataclass(frozen=True, slots=True)
class Code:
    phone: int
    code: str

class Reminder(BaseModel):
    phone: str
    hour: int

order: Order = {"phone": "+380 66 123-12-31", "name": "Olena"}
unnamed: Order = {"phone": "+380 66 123-12-31"}  # wrong
plain: Message = {"phone": 380661231231, "text": "Hello!"}
nowhere: Message = {"text": "Hello!"}  # wrong
numbered: Message = {"phone": 380661231231, "text": 5}  # wrong

def of_streams(stream: Stream, producer: Producer) -> MessageStatus:
    stream.send(order)
    stream.send(plain, idempotency_key="plain")
    stream.send(Code(380661231231, "1234"))
    stream.send(Reminder(phone="380661231231", hour=9))
    stream.send({"phone": 380661231231, "name": "Olena"})
    stream.send("Hello!")  # wrong
    stream.send(5)  # wrong
    stream.send(order, 5)  # wrong
    producer.enqueue([Code(380661231231, "1234")], text="{{ code }}")
    producer.enqueue([order, plain])
    producer.enqueue([5])  # wrong
    receipts: list[MessageReceipt] = list(stream.send_many([(order, "key"), (Code(380661231231, "1234"), None)]))
    return producer.message(receipts[0].message_id)

async def coming() -> AsyncIterator[tuple[Code, str]]:
    yield Code(380661231231, "1234"), "key"

async def of_asynchronous_streams(producer: AsyncProducer) -> list[MessageReceipt]:
    stream: AsyncStream = producer.stream("codes", sender="MyShop", priority="high")
    producer.stream("codes", priority="urgent")  # wrong
    await stream.send(5)  # wrong
    first: MessageReceipt = await stream.send(order, idempotency_key="key")
    others = [receipt async for receipt in stream.send_many([(order, None)])]
    return [first, *others, *[receipt async for receipt in stream.send_many(coming())]]
"""

OF_FRAMEWORKS = """
from fastapi import FastAPI
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bsg_producer import AsyncProducer, Producer
from bsg_producer.callbacks import asgi_callbacks
from bsg_producer.callbacks import callbacks as wsgi_callbacks
from bsg_producer.fastapi import ProducerDep, callbacks, exception_handlers, lifespan
from bsg_producer.flask import BSGCampaigns

campaigns = BSGCampaigns()
of_flask = Flask("shop")
campaigns.init_app(of_flask)
campaigns.mount_callbacks(of_flask, "/bsg", secret="k3Xw-1gH5_pQz8Lr2Vt9")
campaigns.mount_callbacks(of_flask, "/bsg")  # wrong
of_fastapi = FastAPI(lifespan=lifespan, exception_handlers=exception_handlers)
of_fastapi.mount("/bsg", callbacks(secret="k3Xw-1gH5_pQz8Lr2Vt9"))
campaigns.init_app(of_fastapi)  # wrong

@of_flask.get("/campaigns/<campaign_id>")
def view(campaign_id: str) -> str:
    campaigns.producer.enqueue([5])  # wrong
    return campaigns.producer.status(campaign_id).state

@of_fastapi.get("/campaigns/{campaign_id}")
async def endpoint(campaign_id: str, producer: ProducerDep) -> str:
    await producer.enqueue([{"phone": 380661231231}], priority="urgent")  # wrong
    producer.status(campaign_id).state  # wrong
    return (await producer.status(campaign_id)).state

def mount(producer: Producer, asynchronous: AsyncProducer) -> None:
    DispatcherMiddleware(of_flask.wsgi_app, {"/bsg": wsgi_callbacks(producer, secret="k3Xw-1gH5_pQz8Lr2Vt9")})
    of_fastapi.mount("/bsg", asgi_callbacks(asynchronous, secret="k3Xw-1gH5_pQz8Lr2Vt9"))
    wsgi_callbacks(asynchronous, secret="k3Xw-1gH5_pQz8Lr2Vt9")  # wrong
    asgi_callbacks(producer, secret="k3Xw-1gH5_pQz8Lr2Vt9")  # wrong
"""


@pytest.mark.parametrize("program", [PROGRAM, OF_FRAMEWORKS], ids=["producers", "frameworks"])
def test_a_type_checker_finds_each_wrong_line_of_an_app_and_no_other(tmp_path: Path, program: str) -> None:
    app = tmp_path / "app.py"
    app.write_text(program)

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--no-pretty", str(app)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    reported = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error: " in line}
    wrong = {number for number, line in enumerate(program.splitlines(), 1) if "# wrong" in line}
    assert reported == wrong, done.stdout + done.stderr


def test_every_name_that_is_exported_can_be_imported() -> None:
    assert [name for name in bsg_producer.__all__ if not hasattr(bsg_producer, name)] == []
