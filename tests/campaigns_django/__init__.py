"""The tests of the Django app, in a project that has it."""

from __future__ import annotations

import django
from django.conf import settings

from tests.campaigns_django import project_settings

# Not by DJANGO_SETTINGS_MODULE: processes that other tests start would inherit it.
if not settings.configured:
    settings.configure(**{name: value for name, value in vars(project_settings).items() if name.isupper()})
    django.setup()
