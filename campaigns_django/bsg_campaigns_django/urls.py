"""`path("bsg/", include("bsg_campaigns_django.urls"))` receives delivery reports at /bsg/SECRET."""

from __future__ import annotations

from django.urls import path

from bsg_campaigns_django.views import receive_reports

app_name = "bsg_campaigns"
urlpatterns = [path("<str:secret>", receive_reports, name="reports")]
