"""The same with asyncio: nothing waits for Redis in the event loop.

Server-sent events report a campaign's progress to its page.

    uvicorn app:app

`REDIS_URL` is the same as the workers'.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from fastapi.templating import Jinja2Templates

from bsg_producer import AsyncProducer, AsyncStream, BSGCampaignsError, CampaignInvalid, CampaignNotFound, Reject
from bsg_producer.fastapi import ProducerDep, callbacks, exception_handlers, lifespan
from bsg_producer.files import MessageFile
from bsg_producer.http_statuses import http_status

REJECTS_SHOWN = 100
SECONDS_BETWEEN_LOOKS = 0.5

app = FastAPI(lifespan=lifespan, exception_handlers=exception_handlers)
templates = Jinja2Templates(Path(__file__).with_name("templates"))

# BSG pushes delivery reports to https://SHOP/bsg/SECRET, and `producer.delivery_reports()` reads them.
CALLBACK_URL = None
if secret := os.environ.get("BSG_CALLBACK_SECRET"):
    CALLBACK_URL = f"{os.environ['SHOP_URL']}/bsg/{secret}"
    app.mount("/bsg", callbacks(secret=secret))


async def order_updates(producer: ProducerDep) -> AsyncStream:
    """Return the stream of single messages: a request to BSG carries all that wait."""
    return producer.stream(
        "order-updates",
        sender="MyShop",
        text="Hi {{ name }}, order {{ order }} is on its way",
        deadline=timedelta(hours=2),
        callback_url=CALLBACK_URL,
    )


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
    producer: ProducerDep,
    name: Annotated[str, Form()] = "",
) -> Response:
    given = {"key": key, "sender": sender, "text": text, "name": name}
    try:
        # The upload has arrived, in memory or on disk: reading it waits for nobody.
        with MessageFile(contacts.file, name=contacts.filename, text=text) as messages:
            receipt = await producer.enqueue(
                messages,
                sender=sender,
                text=text,
                name=name or None,
                callback_url=CALLBACK_URL,
                idempotency_key=key,
            )
    except CampaignInvalid as error:
        return _form(request, given, error.errors, 422)
    except BSGCampaignsError as error:
        # The form keeps its key, so sending it again is safe whatever became of the first try.
        return _form(request, given, {"queue": [str(error)]}, http_status(error))
    return RedirectResponse(f"/campaigns/{receipt.campaign_id}", 303)


@app.get("/campaigns/{campaign_id}", response_class=HTMLResponse)
async def show(request: Request, campaign_id: str, producer: ProducerDep) -> Response:
    status = await producer.status(campaign_id)
    rejects: list[Reject] = []
    async for reject in producer.rejects(campaign_id):
        rejects.append(reject)
        if len(rejects) == REJECTS_SHOWN:
            break
    return templates.TemplateResponse(request, "campaign.html", {"status": status, "rejects": rejects})


@app.get("/campaigns/{campaign_id}/progress")
async def progress(campaign_id: str, producer: ProducerDep) -> StreamingResponse:
    """Server-sent events: how the campaign stands, twice a second, until the campaign is final."""
    await producer.status(campaign_id)  # what is not there is 404, not a stream that breaks off
    return StreamingResponse(_progress(producer, campaign_id), media_type="text/event-stream")


@app.get("/orders", response_class=HTMLResponse)
async def order_form(request: Request) -> Response:
    return templates.TemplateResponse(request, "order_form.html", {"given": {}})


@app.post("/orders")
async def confirm_order(
    request: Request,
    phone: Annotated[str, Form()],
    name: Annotated[str, Form()],
    order: Annotated[str, Form()],
    orders: Annotated[AsyncStream, Depends(order_updates)],
) -> Response:
    message = {"phone": phone, "name": name, "order": order}
    try:
        # The key names the order: however often this form is sent, the order is confirmed once.
        receipt = await orders.send(message, idempotency_key=f"order-{order}")
    except BSGCampaignsError as error:
        shown = {"given": message, "error": error}
        return templates.TemplateResponse(request, "order_form.html", shown, status_code=http_status(error))
    return RedirectResponse(f"/messages/{receipt.message_id}{'?known=yes' if receipt.duplicate else ''}", 303)


@app.get("/messages/{message_id}", response_class=HTMLResponse)
async def show_message(request: Request, message_id: str, producer: ProducerDep, known: str = "") -> Response:
    status = await producer.message(message_id)
    return templates.TemplateResponse(request, "message.html", {"status": status, "known": bool(known)})


async def _progress(producer: AsyncProducer, campaign_id: str) -> AsyncIterator[str]:
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
