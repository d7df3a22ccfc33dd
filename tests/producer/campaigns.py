"""Campaigns for the tests of what happens to their messages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import zstandard

from bsg_config.settings import Settings
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.columns import pack, unpack
from bsg_messages.preparation import Prepared, PreparedBatch, prepare
from bsg_messages.template import Template
from bsg_producer.campaign_arguments import check_options

CAMPAIGN = "0123456789ABCDEFGHIJkl"
NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)


def options_of(**arguments: Any) -> CampaignOptions:
    return check_options({"sender": "MyShop", **arguments}, Settings.build(), NOW)


def prepared(messages: Sequence[Any], *, first_index: int = 0, batch_size: int = 10_000, **arguments: Any) -> Prepared:
    """Return what the worker makes of a chunk with these messages."""
    campaign_options = options_of(**arguments)
    template = None if campaign_options.text is None else Template.parse(campaign_options.text)
    chunk = unpack(pack(messages, template).content)
    return prepare(chunk, campaign_options, campaign_id=CAMPAIGN, first_index=first_index, batch_size=batch_size)


def rows_of(batch: PreparedBatch) -> list[dict[str, Any]]:
    """Return the messages array as BSG would read it."""
    rows: list[dict[str, Any]] = json.loads(zstandard.decompress(batch.body))
    return rows
