"""Check one message by all rules: its values, its text as the template renders it, and BSG's own rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.columns import MARKS, kept_values
from bsg_messages.messages import Message, check_message
from bsg_messages.rejects import Violation
from bsg_messages.template import Template


def check_one(message: Any, options: CampaignOptions) -> Message:
    """Return a caller's message, rendered, in BSG's format. Raise Violation."""
    if options.text is None:
        return check_rendered(kept_values(message, (*MARKS, "text")), {}, options, None)
    template = Template.parse(options.text)
    values = kept_values(message, (*MARKS, *template.fields))
    given = {name: values[name] for name in MARKS}
    return check_rendered(given, {name: values[name] for name in template.fields}, options, template)


def check_rendered(
    given: Mapping[str, Any], fields: Mapping[str, Any], options: CampaignOptions, template: Template | None
) -> Message:
    """Return the message in BSG's format, with the template's text if there is one. Raise Violation."""
    sender = given["sender"]
    given = {**given, "sender": options.sender if sender is None or not str(sender).strip() else sender}
    if template is None:
        return check_message(given)
    try:
        text = template.render(fields)
    except Violation:
        check_message({**given, "text": "-"})  # report an invalid phone or sender first
        raise
    return check_message({**given, "text": text})
