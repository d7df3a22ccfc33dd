"""What the producer raises says what is wrong and what to do: it is shown as it is."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from bsg_producer import BSGCampaignsError
from bsg_producer.http_statuses import http_status


class ProducerErrors:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, _: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, BSGCampaignsError):
            return None
        return HttpResponse(str(error), status=http_status(error), content_type="text/plain; charset=utf-8")
