from __future__ import annotations

import secrets
from itertools import islice
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from bsg_campaigns_django import Outgoing, producer
from bsg_producer import BSGCampaignsError, CampaignInvalid, CampaignNotFound
from bsg_producer.files import MessageFile
from bsg_producer.http_statuses import http_status
from campaigns.forms import MailingForm, OrderForm
from campaigns.models import Mailing
from campaigns.streams import orders

REJECTS_SHOWN = 100


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return render(
            request, "campaigns/form.html", {"form": MailingForm(initial={"form_key": secrets.token_hex(16)})}
        )
    form = MailingForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            return redirect("campaigns:show", _write_mailing(**form.cleaned_data).pk)
        except IntegrityError:
            return redirect("campaigns:show", Mailing.objects.get(form_key=form.cleaned_data["form_key"]).pk)
        except CampaignInvalid as error:
            form.add_error(None, str(error))
    return render(request, "campaigns/form.html", {"form": form}, status=422)


@require_GET
def show(request: HttpRequest, mailing_id: int) -> HttpResponse:
    mailing = get_object_or_404(Mailing, pk=mailing_id)
    shown: dict[str, Any] = {"mailing": mailing}
    if campaign_id := mailing.outgoing.campaign_id:
        rejects = list(islice(producer().rejects(campaign_id), REJECTS_SHOWN))
        shown |= {"status": producer().status(campaign_id), "rejects": rejects}
    return render(request, "campaigns/show.html", shown)


@require_GET
def progress(_: HttpRequest, mailing_id: int) -> JsonResponse:
    """Return what the page asks for every second."""
    mailing = get_object_or_404(Mailing, pk=mailing_id)
    try:
        status = producer().status(mailing.outgoing.campaign_id)
    except CampaignNotFound:
        raise Http404("not accepted yet") from None
    return JsonResponse({"state": status.state, "final": status.state.final, "counts": dict(status.counts)})


@require_http_methods(["GET", "POST"])
def confirm_order(request: HttpRequest) -> HttpResponse:
    """Send one message. A view that also changes the order would do it in `transaction.on_commit`."""
    form = OrderForm(request.POST or None)
    if not form.is_valid():
        return render(request, "campaigns/order_form.html", {"form": form}, status=422 if form.is_bound else 200)
    try:
        # The key names the order: however often this form is sent, the order is confirmed once.
        receipt = orders().send(form.cleaned_data, idempotency_key=f"order-{form.cleaned_data['order']}")
    except BSGCampaignsError as error:
        shown = {"form": form, "error": error}
        return render(request, "campaigns/order_form.html", shown, status=http_status(error))
    url = reverse("campaigns:message", args=[receipt.message_id])
    return redirect(f"{url}?known=yes" if receipt.duplicate else url)


@require_GET
def show_message(request: HttpRequest, message_id: str) -> HttpResponse:
    shown = {"status": producer().message(message_id), "known": "known" in request.GET}
    return render(request, "campaigns/message.html", shown)


def _write_mailing(*, form_key: str, name: str, sender: str, text: str, contacts: UploadedFile) -> Mailing:
    """Write the mailing and its campaign: both or none. `manage.py bsg_follow` has the campaign accepted."""
    with transaction.atomic(), MessageFile(contacts, name=contacts.name, text=text) as messages:
        outgoing = Outgoing.objects.add_campaign(messages, sender=sender, text=text, name=name)
        return Mailing.objects.create(form_key=form_key, name=name, outgoing=outgoing)
