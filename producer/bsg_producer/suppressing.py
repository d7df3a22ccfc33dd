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
    valid: dict[str, None] = {}
    errors: list[str] = []
    for index, phone in enumerate(phones):
        try:
            valid[rules.phone(phone)] = None
        except Violation as violation:
            errors.append(f"the phone at {index}: {violation.message}")
            if len(errors) == ERRORS_SHOWN:
                break
    if errors:
        raise CampaignInvalid({"phones": errors})
    return list(valid)
