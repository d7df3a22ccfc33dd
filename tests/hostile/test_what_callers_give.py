"""Options, keys, ids and messages: accepted, or refused with the field that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_config.settings import Settings
from bsg_messages.campaign_options import CampaignOptions
from bsg_producer import CampaignInvalid, CampaignNotFound, Producer
from bsg_producer.argument_fields import MAX_COST_BELOW
from bsg_producer.campaign_arguments import check_options
from bsg_producer.streams.options import check_stream
from bsg_producer.suppressing import checked_phones
from tests.hostile.strategies import HUGE, JSON_VALUES, ODD_TEXTS, PYTHON_VALUES, as_json, nested
from tests.producer.campaigns import prepared, rows_of
from tests.servers import RedisServer

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
ARGUMENTS = (
    *("sender", "text", "tariff_code", "validity", "start_at", "deadline"),
    *("callback_url", "priority", "allow_duplicates", "transliterate", "name", "send_between", "max_cost"),
)
HALF_A_PAIR = "\ud800"


@given(arguments=st.dictionaries(st.sampled_from((*ARGUMENTS, "colour")), PYTHON_VALUES, max_size=4))
def test_an_options_is_accepted_whole_or_refused_by_field(arguments: dict[str, Any]) -> None:
    try:
        options = check_options(arguments, Settings.build(), NOW)
    except CampaignInvalid as invalid:
        assert invalid.errors.keys() <= {*arguments, "deadline"}
    else:
        assert options.deadline is not None
        assert options.deadline > NOW
        assert CampaignOptions.from_json(options.to_json().encode()) == options


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deadline", timedelta.max),
        ("deadline", timedelta.min),
        pytest.param("deadline", HUGE, id="deadline-huge"),
        pytest.param("sender", HUGE, id="sender-huge"),
        pytest.param("validity", HUGE, id="validity-huge"),
        pytest.param("max_cost", HUGE, id="max_cost-huge"),
        pytest.param("send_between", HUGE, id="send_between-huge"),
    ],
)
def test_what_cannot_even_be_added_or_written_is_refused_by_field(name: str, value: object) -> None:
    with pytest.raises(CampaignInvalid) as raised:
        check_options({name: value}, Settings.build(), NOW)

    assert raised.value.errors.keys() == {name}


HOURS = st.from_regex(r"[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}( [A-Za-z/.]{1,12})?", fullmatch=True) | ODD_TEXTS


@given(hours=HOURS, cost=st.floats() | st.decimals() | st.integers() | st.text(max_size=8))
def test_hours_and_a_cap_are_accepted_as_they_will_be_read_or_refused_by_field(hours: str, cost: Any) -> None:
    try:
        options = check_options({"send_between": hours, "max_cost": cost}, Settings.build(), NOW)
    except CampaignInvalid as invalid:
        assert invalid.errors.keys() <= {"send_between", "max_cost"}
    else:
        assert options.opening(NOW) >= NOW
        assert float(options.max_cost or 0) >= 0


@given(cost=PYTHON_VALUES | st.floats() | st.decimals() | st.integers() | st.text(max_size=8))
def test_a_cap_of_a_day_is_an_amount_above_zero_or_refused_by_field(cost: Any) -> None:
    arguments = {"deadline": None, "max_wait": 0, "account": "default", "max_cost_per_day": cost}
    try:
        _, rules = check_stream("codes", arguments, Settings.build(), NOW)
    except CampaignInvalid as invalid:
        assert invalid.errors.keys() == {"max_cost_per_day"}
    else:
        assert (cost is None) == (rules.max_cost_per_day == "")
        assert cost is None or 0 <= float(rules.max_cost_per_day) <= MAX_COST_BELOW


@given(phones=st.lists(PYTHON_VALUES | st.integers(10**8, 10**15), max_size=5))
def test_phones_that_opt_out_are_taken_as_bsg_takes_them_or_refused_by_index(phones: list[Any]) -> None:
    try:
        checked = checked_phones(phones)
    except CampaignInvalid as invalid:
        assert invalid.errors.keys() == {"phones"}
        assert all(error.startswith("the phone at ") for error in invalid.errors["phones"])
    else:
        assert all(phone.isascii() and phone.isdecimal() for phone in checked)


def test_hours_in_a_frozen_options_that_somebody_else_wrote_are_refused() -> None:
    whole = json.loads(check_options({}, Settings.build(), NOW).to_json())

    with pytest.raises(ValueError, match="^not a campaign's options"):
        CampaignOptions.from_json(json.dumps({**whole, "send_between": "whenever"}))


@given(messages=st.lists(PYTHON_VALUES | st.dictionaries(st.text(max_size=5), PYTHON_VALUES), max_size=4))
def test_every_message_whatever_it_is_ends_in_a_batch_or_a_reject(messages: list[Any]) -> None:
    found = prepared([*messages, {"phone": 380661231231, "text": "the good one"}], allow_duplicates=True)

    indexes = [index for batch in found.batches for index in batch.indexes] + [reject.index for reject in found.rejects]
    assert sorted(indexes) == list(range(len(messages) + 1))
    assert len(messages) not in {reject.index for reject in found.rejects}
    assert all(len(rows_of(batch)) == batch.size <= 10_000 for batch in found.batches)


@given(document=JSON_VALUES.map(as_json) | st.binary(max_size=60) | st.just(nested(100_000)) | st.just(nested(990)))
def test_a_frozen_options_that_somebody_else_wrote_is_refused_with_nothing_of_it_repeated(document: bytes) -> None:
    with pytest.raises(ValueError, match="^not a campaign's options as it was accepted$"):
        CampaignOptions.from_json(document)


def test_times_in_a_frozen_options_that_are_none_are_not_repeated() -> None:
    with pytest.raises(ValueError, match="^not a campaign's options") as raised:
        CampaignOptions.from_json(json.dumps({"start_at": "+380661231231", "deadline": "Hello"}))

    assert raised.value.__suppress_context__


def test_a_key_that_no_redis_can_hold_is_reported(redis_url: str) -> None:
    producer = Producer(Settings.build(redis_url=redis_url, bsg_api_key="live_sandbox"))

    with pytest.raises(CampaignInvalid, match="idempotency_key"):
        producer.enqueue([{"phone": 380661231231, "text": "Hi"}], sender="Shop", idempotency_key=HALF_A_PAIR)


@given(identifier=st.text(max_size=30) | ODD_TEXTS | st.from_regex("[0-9A-Za-z]{22}", fullmatch=True))
def test_an_id_that_was_never_given_is_not_found(redis_server: RedisServer, identifier: str) -> None:
    producer = Producer(Settings.build(redis_url=redis_server.url, bsg_api_key="live_sandbox"))

    asking: tuple[Callable[[str], object], ...] = (
        *(producer.status, producer.pause, producer.resume),
        *(producer.cancel, producer.retry),
    )
    for ask in asking:
        with pytest.raises(CampaignNotFound):
            ask(identifier)
    listing: tuple[Callable[[str], Iterable[object]], ...] = (producer.rejects, producer.watch)
    for each in listing:
        with pytest.raises(CampaignNotFound):
            list(each(identifier))
    with pytest.raises((CampaignNotFound, CampaignInvalid)):
        producer.resolve(identifier, not_sent=True)
