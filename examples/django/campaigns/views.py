from __future__ import annotations

import secrets
from itertools import islice

from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from bsg_producer import BSGCampaignsError, CampaignInvalid, CampaignNotFound, IdempotencyConflict, MessageInvalid
from campaigns.forms import MailingForm, OrderForm
from campaigns.models import Mailing
from campaigns.producer import orders, producer

REJECTS_SHOWN = 100


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return render(
            request, "campaigns/form.html", {"form": MailingForm(initial={"form_key": secrets.token_hex(16)})}
        )
    form = MailingForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "campaigns/form.html", {"form": form}, status=422)
    try:
        with transaction.atomic():
            mailing = form.save()
            # Not before: a campaign whose mailing was rolled back would be sent all the same.
            transaction.on_commit(lambda: _enqueue(mailing))
    except IntegrityError:
        mailing = Mailing.objects.get(form_key=form.cleaned_data["form_key"])
    return redirect("campaigns:show", mailing.pk)


@require_GET
def show(request: HttpRequest, mailing_id: int) -> HttpResponse:
    mailing = get_object_or_404(Mailing, pk=mailing_id)
    rejects = list(islice(producer().rejects(mailing.campaign_id), REJECTS_SHOWN)) if mailing.campaign_id else []
    status = producer().status(mailing.campaign_id) if mailing.campaign_id else None
    return render(request, "campaigns/show.html", {"mailing": mailing, "status": status, "rejects": rejects})


@require_GET
def progress(_: HttpRequest, mailing_id: int) -> JsonResponse:
    """Return what the page asks for every second."""
    mailing = get_object_or_404(Mailing, pk=mailing_id)
    try:
        status = producer().status(mailing.campaign_id)
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
        status = 409 if isinstance(error, IdempotencyConflict) else 503
        if isinstance(error, (CampaignInvalid, MessageInvalid)):
            status = 422
        return render(request, "campaigns/order_form.html", {"form": form, "error": error}, status=status)
    url = reverse("campaigns:message", args=[receipt.message_id])
    return redirect(f"{url}?known=yes" if receipt.duplicate else url)


@require_GET
def show_message(request: HttpRequest, message_id: str) -> HttpResponse:
    shown = {"status": producer().message(message_id), "known": "known" in request.GET}
    return render(request, "campaigns/message.html", shown)


def _enqueue(mailing: Mailing) -> None:
    """After the commit nothing may fail loudly: what is not accepted now, `enqueue_waiting` tries again."""
    try:
        mailing.enqueue()
    except (CampaignInvalid, IdempotencyConflict) as error:
        mailing.problem = str(error)
        mailing.save(update_fields=["problem"])
    except BSGCampaignsError as error:
        mailing.last_error = str(error)
        mailing.save(update_fields=["last_error"])
