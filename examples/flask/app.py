"""Two forms: a file and a text become a campaign, an order becomes one message. Each has a page that shows how it goes.

    flask --app app run

`REDIS_URL` is the same as the workers'.
"""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from itertools import islice
from typing import Any

from flask import Flask, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from bsg_producer import BSGCampaignsError, CampaignInvalid
from bsg_producer.files import MessageFile
from bsg_producer.flask import BSGCampaigns
from bsg_producer.http_statuses import http_status

REJECTS_SHOWN = 100

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 100 * 1024 * 1024

campaigns = BSGCampaigns(app)

# BSG pushes delivery reports to https://SHOP/bsg/SECRET, and `producer.delivery_reports()` reads them.
CALLBACK_URL = None
if secret := os.environ.get("BSG_CALLBACK_SECRET"):
    CALLBACK_URL = f"{os.environ['SHOP_URL']}/bsg/{secret}"
    campaigns.mount_callbacks(app, "/bsg", secret=secret)


# Single messages go through a stream, so that a request to BSG carries all that wait.
with app.app_context():
    orders = campaigns.producer.stream(
        "order-updates",
        sender="MyShop",
        text="Hi {{ name }}, order {{ order }} is on its way",
        deadline=timedelta(hours=2),
        callback_url=CALLBACK_URL,
    )


@app.get("/")
def form() -> str:
    # The key is made with the form: however often this form is sent, it is one campaign.
    return render_template("form.html", key=secrets.token_urlsafe(16), given={}, errors={})


@app.post("/campaigns")
def create() -> Response | tuple[str, int]:
    given, upload = request.form, request.files["contacts"]
    try:
        with MessageFile(upload.stream, name=upload.filename, text=given["text"]) as messages:
            receipt = campaigns.producer.enqueue(
                messages,
                sender=given["sender"],
                text=given["text"],
                name=given["name"] or None,
                callback_url=CALLBACK_URL,
                idempotency_key=given["key"],
            )
    except CampaignInvalid as error:
        return _form_again(given, error.errors), 422
    except BSGCampaignsError as error:
        # The form keeps its key, so sending it again is safe whatever became of the first try.
        return _form_again(given, {"queue": [str(error)]}), http_status(error)
    return redirect(url_for("show", campaign_id=receipt.campaign_id), 303)


@app.get("/campaigns/<campaign_id>")
def show(campaign_id: str) -> str:
    status = campaigns.producer.status(campaign_id)
    rejects = list(islice(campaigns.producer.rejects(campaign_id), REJECTS_SHOWN))
    return render_template("campaign.html", status=status, rejects=rejects)


@app.get("/campaigns/<campaign_id>/progress")
def progress(campaign_id: str) -> dict[str, Any]:
    """Return what the page asks for every second."""
    status = campaigns.producer.status(campaign_id)
    return {"state": status.state, "final": status.state.final, "counts": status.counts}


@app.get("/orders")
def order_form() -> str:
    return render_template("order_form.html", given={}, error=None)


@app.post("/orders")
def confirm_order() -> Response | tuple[str, int]:
    given = request.form
    message = {"phone": given["phone"], "name": given["name"], "order": given["order"]}
    try:
        # The key names the order: however often this form is sent, the order is confirmed once.
        receipt = orders.send(message, idempotency_key=f"order-{given['order']}")
    except BSGCampaignsError as error:
        return render_template("order_form.html", given=given, error=error), http_status(error)
    known = "yes" if receipt.duplicate else None
    return redirect(url_for("show_message", message_id=receipt.message_id, known=known), 303)


@app.get("/messages/<message_id>")
def show_message(message_id: str) -> str:
    return render_template("message.html", status=campaigns.producer.message(message_id), known="known" in request.args)


@app.errorhandler(HTTPException)
def failed(error: HTTPException) -> Any:
    """Show the text alone. That of an exception of the producer says what is wrong and what to do."""
    return error.description, error.code, {"Content-Type": "text/plain; charset=utf-8"}


def _form_again(given: Any, errors: dict[str, list[str]]) -> str:
    return render_template("form.html", key=given["key"], given=given, errors=errors)
