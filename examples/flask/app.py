"""A form that takes a CSV file and a text, and a page that shows how the campaign goes.

    flask --app app run

`REDIS_URL` is the same as the workers'.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
from itertools import islice
from typing import Any

from flask import Flask, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response

from bsg_producer import (
    CampaignInvalid,
    CampaignNotFound,
    EnqueueUnconfirmed,
    IdempotencyConflict,
    Producer,
    QueueUnavailable,
)
from bsg_producer.callbacks import callbacks

REJECTS_SHOWN = 100

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 100 * 1024 * 1024

producer = Producer()  # one for the process: its threads share it

# BSG pushes delivery reports to https://SHOP/bsg/SECRET, and `producer.delivery_reports()` reads them.
CALLBACK_SECRET = os.environ.get("BSG_CALLBACK_SECRET")
CALLBACK_URL = None
if CALLBACK_SECRET:
    CALLBACK_URL = f"{os.environ['SHOP_URL']}/bsg/{CALLBACK_SECRET}"
    mounted = DispatcherMiddleware(app.wsgi_app, {"/bsg": callbacks(producer, secret=CALLBACK_SECRET)})
    app.wsgi_app = mounted  # type: ignore[method-assign]  # as Flask's own documentation does it


@app.get("/")
def form() -> str:
    # The key is made with the form: however often this form is sent, it is one campaign.
    return render_template("form.html", key=secrets.token_urlsafe(16), given={}, errors={})


@app.post("/campaigns")
def create() -> Response | tuple[str, int]:
    given = request.form
    try:
        receipt = producer.enqueue(
            _rows(request.files["contacts"]),
            sender=given["sender"],
            text=given["text"],
            name=given["name"] or None,
            callback_url=CALLBACK_URL,
            idempotency_key=given["key"],
        )
    except CampaignInvalid as error:
        return _form_again(given, error.errors), 422
    except UnicodeDecodeError:
        return _form_again(given, {"contacts": ["not a CSV file in UTF-8: save it as one"]}), 422
    except IdempotencyConflict:
        return _form_again(given, {"contacts": ["this form was sent before with other content: begin anew"]}), 409
    except (QueueUnavailable, EnqueueUnconfirmed):
        # The form keeps its key, so sending it again is safe whatever became of the first try.
        return _form_again(given, {"contacts": ["the queue does not answer: send the form again in a moment"]}), 503
    return redirect(url_for("show", campaign_id=receipt.campaign_id), 303)


@app.get("/campaigns/<campaign_id>")
def show(campaign_id: str) -> str:
    status = producer.status(campaign_id)
    rejects = list(islice(producer.rejects(campaign_id), REJECTS_SHOWN))
    return render_template("campaign.html", status=status, rejects=rejects)


@app.get("/campaigns/<campaign_id>/progress")
def progress(campaign_id: str) -> dict[str, Any]:
    """What the page asks for every second."""
    status = producer.status(campaign_id)
    return {"state": status.state, "final": status.state.final, "counts": status.counts}


@app.errorhandler(CampaignNotFound)
def not_found(error: CampaignNotFound) -> tuple[str, int]:
    return f"There is no campaign {error.campaign_id}.", 404


def _rows(upload: FileStorage) -> csv.DictReader[str]:
    return csv.DictReader(io.TextIOWrapper(upload.stream, encoding="utf-8-sig", newline=""))


def _form_again(given: Any, errors: dict[str, list[str]]) -> str:
    return render_template("form.html", key=given["key"], given=given, errors=errors)
