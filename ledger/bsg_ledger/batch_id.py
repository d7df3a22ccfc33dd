"""The id of a batch: its campaign's id, and its number there."""

from __future__ import annotations

from typing import Self


class BatchId(str):
    """A batch's id in Redis, in logs, in Flower and on the command line: CAMPAIGN-NUMBER.

    >>> batch = BatchId("campaign-7")
    >>> batch.campaign_id, batch.number
    ('campaign', 7)
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raise ValueError for an invalid batch id."""
        campaign_id, dash, number = text.rpartition("-")
        if not dash or not campaign_id or not number.isdecimal():
            raise ValueError("a batch id is CAMPAIGN-NUMBER")
        return cls.of(campaign_id, int(number))

    @classmethod
    def of(cls, campaign_id: str, number: int) -> Self:
        """Return the id of a campaign's batch by its number, from 0."""
        return super().__new__(cls, f"{campaign_id}-{number}")

    @property
    def campaign_id(self) -> str:
        return self.rpartition("-")[0]

    @property
    def number(self) -> int:
        return int(self.rpartition("-")[2])

    @property
    def parts(self) -> tuple[str, int]:
        """Return campaign and number, as scripts and keys take them."""
        return self.campaign_id, self.number
