"""The app, for INSTALLED_APPS."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.signals import setting_changed

from bsg_campaigns_django.configuration import forget_settings


class CampaignsConfig(AppConfig):
    name = "bsg_campaigns_django"
    label = "bsg_campaigns"
    verbose_name = "SMS campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bsg_campaigns_django import checks  # noqa: F401 - registers them

        setting_changed.connect(forget_settings)  # tests override settings
