"""The argument that selects a campaign."""

from __future__ import annotations

CAMPAIGN_HELP = "the campaign's id, as `send` and `list` print it"
