"""Check the phones that callers suppress."""

from __future__ import annotations

from collections.abc import Iterable

from bsg_messages import rules
from bsg_messages.errors import CampaignInvalid
from bsg_messages.rejects import Violation

ERRORS_SHOWN = 10


def checked_phones(phones: Iterable[str | int]) -> list[str]:
    """Return the phones in BSG's format, each once.

    Raise `CampaignInvalid`, which names the first invalid ones by index.
    """
    if isinstance(phones, (str, bytes)):
        raise CampaignInvalid({"phones": ["one text: give an iterable of phones"]})
    right: dict[str, None] = {}
    faults: list[str] = []
    for index, phone in enumerate(phones):
        try:
            right[rules.phone(phone)] = None
        except Violation as violation:
            faults.append(f"the phone at {index}: {violation.message}")
            if len(faults) == ERRORS_SHOWN:
                break
    if faults:
        raise CampaignInvalid({"phones": faults})
    return list(right)
