"""Find campaigns that wait and cannot be read with the keys of this process."""

from __future__ import annotations

from itertools import islice

from bsg_ledger.ledger import Ledger
from bsg_messages.body_cipher import BodyCipher, DecryptionError

LOOKED_INTO = 20  # campaigns: each is some 100 KB to read


def unreadable_campaigns(ledger: Ledger, cipher: BodyCipher) -> list[str]:
    """Return unreadable campaigns among some that still wait."""
    waiting = (
        (campaign.campaign_id, body)
        for campaign in ledger.reading.open_campaigns()
        if (body := ledger.reading.waiting_body(campaign.campaign_id)) is not None
    )
    unreadable = []
    for campaign_id, body in islice(waiting, LOOKED_INTO):
        try:
            cipher.decrypt(body)
        except DecryptionError:
            unreadable.append(campaign_id)
    return unreadable
