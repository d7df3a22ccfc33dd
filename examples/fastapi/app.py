"""The same with asyncio: nothing waits for Redis in the event loop.

The page is told how the campaign goes by server-sent events.

    uvicorn app:app

`REDIS_URL` is the same as the workers'.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from fastapi.templating import Jinja2Templates

from bsg_producer import (
    AsyncProducer,
    CampaignInvalid,
    CampaignNotFound,
    EnqueueUnconfirmed,
    IdempotencyConflict,
    QueueUnavailable,
    Reject,
)

REJECTS_SHOWN = 100
SECONDS_BETWEEN_LOOKS = 0.5

producer = AsyncProducer()  # one for the event loop
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
        receipt = await producer.enqueue(
            _rows(contacts), sender=sender, text=text, name=name or None, idempotency_key=key
        )
    except CampaignInvalid as error:
        return _form(request, given, error.errors, 422)
    except UnicodeDecodeError:
        return _form(request, given, {"contacts": ["not a CSV file in UTF-8: save it as one"]}, 422)
    except IdempotencyConflict:
        return _form(request, given, {"contacts": ["this form was sent before with other content: begin anew"]}, 409)
    except (QueueUnavailable, EnqueueUnconfirmed):
        # The form keeps its key, so sending it again is safe whatever became of the first try.
        said = "the queue does not answer: send the form again in a moment"
        return _form(request, given, {"contacts": [said]}, 503)
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


@app.exception_handler(CampaignNotFound)
async def not_found(_: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse(str(error), 404)


async def _progress(campaign_id: str) -> AsyncIterator[str]:
    while True:
        status = await producer.status(campaign_id)
        yield f"data: {json.dumps({'state': status.state, 'counts': dict(status.counts)})}\n\n"
        if status.state.final:
            yield "event: final\ndata: {}\n\n"
            return
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def _rows(upload: UploadFile) -> Iterator[Mapping[str, Any]]:
    # The upload has arrived, in memory or on disk: reading it waits for nobody.
    return csv.DictReader(io.TextIOWrapper(upload.file, encoding="utf-8-sig", newline=""))


def _form(request: Request, given: Mapping[str, str], errors: Mapping[str, list[str]], status: int) -> Response:
    return templates.TemplateResponse(request, "form.html", {"given": given, "errors": errors}, status_code=status)
