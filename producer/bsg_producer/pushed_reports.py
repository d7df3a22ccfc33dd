"""Read the delivery reports that BSG pushes: known fields of bounded length, and never the phone.

BSG: callback_url, delivery report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bsg_ledger.delivery_reports import PushedReport
from bsg_ledger.stream_listing import StreamListing
from bsg_messages.errors import CampaignInvalid
from bsg_messages.reference_ids import campaign_and_index

_REFERENCE_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_WORD = re.compile(r"[A-Za-z_]{1,32}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")
_TIME = re.compile(r"[0-9][0-9 T:.+Z-]{0,39}")


def read_pushed_reports(reports: Iterable[Mapping[str, Any]]) -> list[PushedReport]:
    """Return the reports. Raise CampaignInvalid if one of them is not a report."""
    read, errors = [], []
    for number, report in enumerate(reports):
        reference_id, status = (
            (_matching(report.get("reference"), _REFERENCE_ID), _matching(report.get("status"), _WORD))
            if isinstance(report, Mapping)
            else (None, None)
        )
        if reference_id is None or status is None:
            errors.append(f"{number} is not a delivery report: give it as BSG pushes it, with `reference` and `status`")
            continue
        campaign_id, index = campaign_and_index(reference_id) or (None, None)
        read.append(
            PushedReport(
                campaign_id=campaign_id,
                index=index,
                message_id=None if campaign_id is None else reference_id,
                reference_id=reference_id,
                status=status.lower(),
                price=_matching(report.get("price"), _AMOUNT),
                currency=_matching(report.get("currency"), _WORD),
                sent_at=_matching(report.get("time_sent"), _TIME),
                delivered_at=_matching(report.get("time_dr"), _TIME),
            )
        )
    if errors:
        raise CampaignInvalid({"reports": errors})
    return read


def name_messages(reports: Sequence[PushedReport], listing: StreamListing) -> list[PushedReport]:
    """Return the reports, with the message where a stream knows the caller's reference id."""
    chosen = sorted({report.reference_id for report in reports if report.campaign_id is None})
    found = listing.messages_with_reference_ids(chosen)
    return [_of_message(report, found.get(report.reference_id)) for report in reports]


def _of_message(report: PushedReport, message_id: str | None) -> PushedReport:
    if message_id is None:
        return report
    campaign_id, index = campaign_and_index(message_id) or (None, None)
    return replace(report, campaign_id=campaign_id, index=index, message_id=message_id)


def _matching(value: Any, form: re.Pattern[str]) -> str | None:
    text = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    return text if form.fullmatch(text) else None
