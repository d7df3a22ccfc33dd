"""The list of phones that are never sent to."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_producer import CampaignInvalid
from tests.producer.test_enqueueing import producer_at


def test_phones_are_listed_once_however_they_are_written(redis_url: str) -> None:
    producer = producer_at(redis_url)

    assert producer.suppress(["+380 66 123-12-31", 380661231231, "00380661231232"]) == 2
    assert producer.suppress([380661231232]) == 0
    assert sorted(producer.suppressed()) == ["380661231231", "380661231232"]


def test_phones_are_taken_off_the_list(redis_url: str) -> None:
    producer = producer_at(redis_url)
    producer.suppress([380661231231, 380661231232])

    assert producer.unsuppress(["+380661231231", "+380661231233"]) == 1
    assert list(producer.suppressed()) == ["380661231232"]


def test_a_long_list_is_listed_whole(redis_url: str) -> None:
    producer = producer_at(redis_url)

    assert producer.suppress(range(380_661_000_000, 380_661_002_500)) == 2_500
    assert len(set(producer.suppressed())) == 2_500


def test_a_wrong_phone_is_reported_by_its_index_and_nothing_is_changed(redis_url: str) -> None:
    producer = producer_at(redis_url)

    with pytest.raises(CampaignInvalid) as caught:
        producer.suppress([380661231231, "12"])

    assert caught.value.errors["phones"][0].startswith("the phone at 1: ")
    assert list(producer.suppressed()) == []


@pytest.mark.parametrize("wrong", ["380661231231", b"380661231231"])
def test_one_text_is_no_list_of_phones(redis_url: str, wrong: Any) -> None:
    with pytest.raises(CampaignInvalid, match="phones: one text"):
        producer_at(redis_url).suppress(wrong)


def test_nobody_is_nobody(redis_url: str) -> None:
    assert producer_at(redis_url).suppress([]) == 0
