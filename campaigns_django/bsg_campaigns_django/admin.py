"""The admin: it shows what the follower has read, and has buttons for what an operator decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from bsg_campaigns_django.configuration import producer
from bsg_campaigns_django.models import Campaign, Message, Outgoing, OutgoingState
from bsg_campaigns_django.recording import read_summaries, write_campaigns
from bsg_producer import BSGCampaignsError

_CONFIRMED = "confirmed"


class _ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows that only the follower writes. Who may change them may use the actions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.fields]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown = {**(extra_context or {}), "show_save": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, shown)


@admin.register(Campaign)
class CampaignAdmin(_ReadOnlyAdmin):
    list_display = ["name", "campaign_id", "account_name", "state", "paused", "messages", "counted", "accepted_at"]
    list_display_links = ["name", "campaign_id"]
    list_filter = ["state", "paused", "account_name"]
    search_fields = ["=campaign_id", "name"]
    actions = ["pause", "resume", "cancel"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="messages by state")
    def counted(self, campaign: Campaign) -> str:
        counts = campaign.counts.items()
        return ", ".join(f"{number} {state}" for state, number in counts if number and state != "accepted")

    @admin.action(description="Pause: hold what has not been sent", permissions=["change"])
    def pause(self, request: HttpRequest, campaigns: QuerySet) -> None:
        self._control(request, campaigns, producer().pause, "Paused.")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, campaigns: QuerySet) -> None:
        self._control(request, campaigns, producer().resume, "Resumed.")

    @admin.action(description="Cancel for good …", permissions=["change"])
    def cancel(self, request: HttpRequest, campaigns: QuerySet) -> HttpResponse | None:
        if _CONFIRMED in request.POST:
            self._control(request, campaigns, producer().cancel, "Cancelled.")
            return None
        shown = {
            **self.admin_site.each_context(request),
            "title": "Cancel campaigns",
            "campaigns": campaigns,
            "opts": self.model._meta,
            "confirmed": _CONFIRMED,
            "checkbox": admin.helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/bsg_campaigns/cancel.html", shown)

    def _control(self, request: HttpRequest, campaigns: QuerySet, control: Callable[[str], object], done: str) -> None:
        """Control each campaign, and show it as it is then. The log of the admin has who did it."""
        controlled = []
        for campaign in campaigns:
            try:
                control(campaign.pk)
            except BSGCampaignsError as error:
                self.message_user(request, f"{campaign}: {error}", messages.ERROR)
            else:
                controlled.append(campaign.pk)
                self.log_change(request, campaign, done)
        try:
            write_campaigns(read_summaries(producer(), controlled), campaigns.db)
        except BSGCampaignsError as error:  # the follower will show it
            self.message_user(request, str(error), messages.ERROR)
        if controlled:
            self.message_user(request, f"{done} ({len(controlled)})")


@admin.register(Message)
class MessageAdmin(_ReadOnlyAdmin):
    list_display = ["message_id", "campaign", "state", "reject_code", "report", "price", "currency", "reported_at"]
    list_filter = ["state", "report"]
    list_select_related = ["campaign"]
    search_fields = ["=message_id", "=campaign__campaign_id"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Outgoing)
class OutgoingAdmin(_ReadOnlyAdmin):
    """Phones and texts are not shown. A row that is deleted while it waits is not sent, unless it just has been."""

    exclude = ["content"]
    list_display = ["key", "stream", "state", "created_at", "carried_at", "campaign_id", "message_id", "error"]
    list_filter = ["state", "stream"]
    search_fields = ["=key", "=campaign_id", "=message_id"]
    actions = ["send_again"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in super().get_readonly_fields(request, obj) if name != "content"]

    @admin.action(description="Send again what was refused, or what was surely not sent", permissions=["change"])
    def send_again(self, request: HttpRequest, rows: QuerySet) -> None:
        rows = rows.filter(state__in=[OutgoingState.REFUSED, OutgoingState.IN_DOUBT])
        for row in rows:
            self.log_change(request, row, f"Sent again; it was {row.state}.")
        waiting = rows.update(state=OutgoingState.WAITING, attempted_at=None, error="")
        self.message_user(request, f"The follower tries {waiting} again.")
