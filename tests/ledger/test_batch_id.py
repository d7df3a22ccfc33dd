from __future__ import annotations

import pytest

from bsg_ledger.batch_id import BatchId


def test_a_batch_id_names_campaign_and_number() -> None:
    batch = BatchId("a-campaign-12")

    assert (batch.campaign_id, batch.number) == ("a-campaign", 12)
    assert batch == BatchId.of("a-campaign", 12) == "a-campaign-12"


@pytest.mark.parametrize("text", ["", "campaign", "-1", "campaign-", "campaign-x", "campaign-1 "])
def test_what_is_no_batch_id_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="a batch id is CAMPAIGN-NUMBER"):
        BatchId(text)


def test_a_number_has_one_form() -> None:
    assert BatchId("campaign-007") == "campaign-7"
