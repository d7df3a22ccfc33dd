"""The view that receives the delivery reports that BSG pushes."""

from __future__ import annotations

from typing import Any

from django.conf import settings as project
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from bsg_campaigns_django.configuration import producer
from bsg_producer.callbacks import callbacks

SECRET = "BSG_CALLBACK_SECRET"  # noqa: S105 - the name of the setting


@csrf_exempt  # BSG proves itself by the secret in the address
def receive_reports(request: HttpRequest, secret: str) -> HttpResponse:
    """Add the pushed reports to their feed. Respond as `bsg_producer.callbacks` does; with 404 if no secret is set."""
    expected = getattr(project, SECRET, None)
    if expected is None:
        return HttpResponse(status=404)
    response = HttpResponse()

    def start_response(status: str, *_: Any) -> Any:
        response.status_code = int(status.split()[0])

    environ = {
        "PATH_INFO": f"/{secret}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.META.get("QUERY_STRING", ""),
        "CONTENT_TYPE": request.META.get("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": request.META.get("CONTENT_LENGTH", ""),
        "wsgi.input": request,
    }
    callbacks(producer(), secret=expected)(environ, start_response)
    return response
