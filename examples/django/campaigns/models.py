from __future__ import annotations

from django.db import models

from bsg_campaigns_django import Outgoing


class Mailing(models.Model):
    """What somebody wants sent: its campaign is written in the same transaction."""

    # Made with the form: a form that is sent twice is one mailing.
    form_key = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    outgoing = models.OneToOneField(Outgoing, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return self.name
