"""The load is drawn by the seed: mixed sizes whose sum is exact, and recipients that name their message."""

from __future__ import annotations

import pytest

from tests.load.campaigns import SizeClass, TooFewMessages, drawn, message_of


@pytest.mark.parametrize(("messages", "campaigns"), [(1_000_000, 2_000), (50_000, 100), (3_000, 30)])
def test_sizes_are_mixed_and_their_sum_is_exact(messages: int, campaigns: int) -> None:
    load = drawn(7, messages=messages, campaigns=campaigns)

    assert sum(campaign.size for campaign in load) == messages
    assert [campaign.number for campaign in load] == list(range(campaigns))
    assert {campaign.size_class for campaign in load} == set(SizeClass)
    assert all(1 <= campaign.size <= 50 for campaign in load if campaign.size_class is SizeClass.SMALL)


def test_a_million_messages_are_some_large_campaigns_and_very_many_small_ones() -> None:
    load = drawn(1, messages=1_000_000, campaigns=2_000)

    large = [campaign.size for campaign in load if campaign.size_class is SizeClass.LARGE]
    assert 10 <= len(large) <= 50
    assert min(large) > 5_000
    assert 50_000 < max(large) <= 110_000


def test_a_seed_draws_the_same_load_again_and_another_seed_another() -> None:
    assert drawn(1, messages=50_000, campaigns=100) == drawn(1, messages=50_000, campaigns=100)
    assert drawn(1, messages=50_000, campaigns=100) != drawn(2, messages=50_000, campaigns=100)


def test_small_campaigns_come_all_through_the_sending() -> None:
    times = [each.starts_at for each in drawn(1, messages=1_000_000, campaigns=2_000) if each.size_class == "small"]

    assert times == sorted(times)
    for tenth in range(10):
        assert sum(tenth / 10 <= starts_at < (tenth + 1) / 10 for starts_at in times) > 100


def test_a_recipient_names_its_message() -> None:
    last = drawn(1, messages=50_000, campaigns=100)[-1]

    assert message_of(last.phone(12)) == (99, 12)


def test_too_few_messages_for_mixed_sizes_are_refused() -> None:
    with pytest.raises(TooFewMessages, match="30 messages are too few for 30 campaigns"):
        drawn(1, messages=30, campaigns=30)
