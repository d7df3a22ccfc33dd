"""The same with asyncio: nothing waits for Redis in the event loop.

Server-sent events report a campaign's progress to its page.

    uvicorn app:app

`REDIS_URL` is the same as the workers'.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from fastapi.templating import Jinja2Templates

from bsg_producer import (
    AsyncProducer,
    BSGCampaignsError,
    CampaignInvalid,
    CampaignNotFound,
    IdempotencyConflict,
    MessageInvalid,
    MessageNotFound,
    Reject,
)
from bsg_producer.files import MessageFile

REJECTS_SHOWN = 100
SECONDS_BETWEEN_LOOKS = 0.5

# What the producer raises says what is wrong and what to do: it is shown as it is.
STATUSES: dict[type[BSGCampaignsError], int] = {
    CampaignInvalid: 422,
    MessageInvalid: 422,
    CampaignNotFound: 404,
    MessageNotFound: 404,
    IdempotencyConflict: 409,
}

producer = AsyncProducer()  # one for the event loop
# Single messages go through a stream, so that a request to BSG carries all that wait.
orders = producer.stream(
    "order-updates",
    sender="MyShop",
    text="Hi {{ name }}, order {{ order }} is on its way",
    deadline=timedelta(hours=2),
)
templates = Jinja2Templates(Path(__file__).with_name("templates"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with producer:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/", response_class=HTMLResponse)
async def form(request: Request) -> Response:
    # The key is made with the form: however often this form is sent, it is one campaign.
    return _form(request, {"key": secrets.token_urlsafe(16)}, {}, 200)


@app.post("/campaigns")
async def create(
    request: Request,
    key: Annotated[str, Form()],
    sender: Annotated[str, Form()],
    text: Annotated[str, Form()],
    contacts: UploadFile,
    name: Annotated[str, Form()] = "",
) -> Response:
    given = {"key": key, "sender": sender, "text": text, "name": name}
    try:
        # The upload has arrived, in memory or on disk: reading it waits for nobody.
        with MessageFile(contacts.file, name=contacts.filename, text=text) as messages:
            receipt = await producer.enqueue(messages, sender=sender, text=text, name=name or None, idempotency_key=key)
    except CampaignInvalid as error:
        return _form(request, given, error.errors, 422)
    except BSGCampaignsError as error:
        # The form keeps its key, so sending it again is safe whatever became of the first try.
        return _form(request, given, {"queue": [str(error)]}, _status(error))
    return RedirectResponse(f"/campaigns/{receipt.campaign_id}", 303)


@app.get("/campaigns/{campaign_id}", response_class=HTMLResponse)
async def show(request: Request, campaign_id: str) -> Response:
    status = await producer.status(campaign_id)
    rejects: list[Reject] = []
    async for reject in producer.rejects(campaign_id):
        rejects.append(reject)
        if len(rejects) == REJECTS_SHOWN:
            break
    return templates.TemplateResponse(request, "campaign.html", {"status": status, "rejects": rejects})


@app.get("/campaigns/{campaign_id}/progress")
async def progress(campaign_id: str) -> StreamingResponse:
    """Server-sent events: how the campaign stands, twice a second, until the campaign is final."""
    await producer.status(campaign_id)  # what is not there is 404, not a stream that breaks off
    return StreamingResponse(_progress(campaign_id), media_type="text/event-stream")


@app.get("/orders", response_class=HTMLResponse)
async def order_form(request: Request) -> Response:
    return templates.TemplateResponse(request, "order_form.html", {"given": {}})


@app.post("/orders")
async def confirm_order(
    request: Request, phone: Annotated[str, Form()], name: Annotated[str, Form()], order: Annotated[str, Form()]
) -> Response:
    message = {"phone": phone, "name": name, "order": order}
    try:
        # The key names the order: however often this form is sent, the order is confirmed once.
        receipt = await orders.send(message, idempotency_key=f"order-{order}")
    except BSGCampaignsError as error:
        shown = {"given": message, "error": error}
        return templates.TemplateResponse(request, "order_form.html", shown, status_code=_status(error))
    return RedirectResponse(f"/messages/{receipt.message_id}{'?known=yes' if receipt.duplicate else ''}", 303)


@app.get("/messages/{message_id}", response_class=HTMLResponse)
async def show_message(request: Request, message_id: str, known: str = "") -> Response:
    status = await producer.message(message_id)
    return templates.TemplateResponse(request, "message.html", {"status": status, "known": bool(known)})


@app.exception_handler(BSGCampaignsError)
async def failed(_: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse(str(error), _status(error))


def _status(error: Exception) -> int:
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 503)


async def _progress(campaign_id: str) -> AsyncIterator[str]:
    while True:
        try:
            status = await producer.status(campaign_id)
        except BSGCampaignsError as error:
            yield f"event: failed\ndata: {json.dumps(str(error))}\n\n"
            if isinstance(error, CampaignNotFound):
                return
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            continue
        yield f"data: {json.dumps({'state': status.state, 'counts': dict(status.counts)})}\n\n"
        if status.state.final:
            yield "event: final\ndata: {}\n\n"
            return
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def _form(request: Request, given: Mapping[str, str], errors: Mapping[str, list[str]], status: int) -> Response:
    return templates.TemplateResponse(request, "form.html", {"given": given, "errors": errors}, status_code=status)
