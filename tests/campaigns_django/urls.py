from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("bsg/", include("bsg_campaigns_django.urls"))]
