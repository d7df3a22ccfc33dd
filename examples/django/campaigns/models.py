from __future__ import annotations

from pathlib import Path

from django.db import models

from bsg_producer import CampaignNotFound
from bsg_producer.files import MessageFile
from campaigns.producer import producer


class Mailing(models.Model):
    """What somebody wants sent. `campaign_id` stays empty until the campaign is accepted."""

    # Made with the form: a form that is sent twice is one mailing.
    form_key = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    sender = models.CharField(max_length=11)
    text = models.TextField()
    contacts = models.FileField(upload_to="contacts/")
    campaign_id = models.CharField(max_length=32, blank=True, db_index=True)
    state = models.CharField(max_length=20, default="waiting")
    problem = models.TextField(blank=True)  # why it will never be accepted as it is
    last_error = models.TextField(blank=True)  # why it was not accepted yet

    def __str__(self) -> str:
        return self.name

    def enqueue(self) -> None:
        """Has the campaign accepted; however often, it is one. Raise what `Producer.enqueue` raises."""
        name = Path(self.contacts.name).name
        with self.contacts.open("rb") as file, MessageFile(file, name=name, text=self.text) as messages:
            receipt = producer().enqueue(
                messages, sender=self.sender, text=self.text, name=self.name, idempotency_key=f"mailing-{self.pk}"
            )
        self.campaign_id = receipt.campaign_id
        self.save(update_fields=["campaign_id"])
        update_state(self.campaign_id)  # its first events may have gone by before its id stood here


def update_state(campaign_id: str) -> None:
    """Write the campaign's state as it is now into its mailing, if it has one here."""
    try:
        state = producer().status(campaign_id).state
    except CampaignNotFound:  # forgotten since
        return
    Mailing.objects.filter(campaign_id=campaign_id).update(state=state)


class FeedPosition(models.Model):
    """How far `follow_campaigns` has read the feed of events; one row."""

    position = models.CharField(max_length=64)
