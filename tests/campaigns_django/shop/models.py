"""A table of the project's own, which must agree with what was sent."""

from __future__ import annotations

from django.db import models

from bsg_campaigns_django import Outgoing


class Order(models.Model):
    number = models.PositiveIntegerField(unique=True)
    outgoing = models.OneToOneField(Outgoing, null=True, on_delete=models.PROTECT)


class Seen(models.Model):
    """A line for each entry of a feed that a receiver has seen, without a unique key that would hide a second one."""

    position = models.CharField(max_length=64)
    campaign_id = models.CharField(max_length=32, blank=True)
    what = models.CharField(max_length=64)

    class Meta:
        ordering = ["pk"]
