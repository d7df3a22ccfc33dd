from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bsg_config.settings import Settings
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.errors import CampaignInvalid
from bsg_producer.campaign_arguments import check_deadline, check_options
from tests.producer.campaigns import NOW, options_of

KYIV = ZoneInfo("Europe/Kyiv")
DAY = timedelta(days=1)


def errors_of(**arguments: Any) -> dict[str, list[str]]:
    with pytest.raises(CampaignInvalid) as raised:
        options_of(**arguments)
    return raised.value.errors


def test_what_is_not_given_has_its_default() -> None:
    campaign_options = check_options({}, Settings.build(campaign_batch_size=7), NOW)

    assert campaign_options == CampaignOptions(
        sender=None,
        text=None,
        tariff_code=0,
        validity=72,
        start_at=None,
        deadline=NOW + DAY,
        callback_url=None,
        priority="normal",
        allow_duplicates=False,
        transliterate=False,
        name=None,
        send_between=None,
        max_cost=None,
        batch_size=7,
    )


def test_everything_wrong_is_reported_at_once_by_field() -> None:
    wrong = {
        "sender": "much too long",
        "text": "{{ a.b }}",
        "tariff_code": 10,
        "validity": 0,
        "start_at": datetime(2030, 2, 1),
        "deadline": "tomorrow",
        "callback_url": "ftp://example.com",
        "priority": "urgent",
        "allow_duplicates": "no",
        "transliterate": 1,
        "name": "x" * 201,
        "colour": "red",
    }

    errors = errors_of(**wrong)

    assert errors.keys() == wrong.keys()
    assert all(len(message) > 20 for messages in errors.values() for message in messages)


@pytest.mark.parametrize("wrong", [5, ["high"], b"\xff", "\ud800", "line\nbreak"])
@pytest.mark.parametrize("field", ["callback_url", "priority", "name"])
def test_what_is_no_text_is_refused_with_the_remedy(field: str, wrong: object) -> None:
    ((message,),) = errors_of(**{field: wrong}).values()

    assert "give" in message or "write" in message


@pytest.mark.parametrize(("field", "least", "most"), [("tariff_code", 0, 9), ("validity", 1, 72)])
def test_numbers_have_bounds_and_are_numbers(field: str, least: int, most: int) -> None:
    assert getattr(options_of(**{field: least}), field) == least
    assert getattr(options_of(**{field: most}), field) == most
    for wrong in (least - 1, most + 1, str(most), float(most), True, None):
        assert errors_of(**{field: wrong}).keys() == {field}


def test_a_callback_url_has_at_most_the_hundred_characters_that_bsg_takes() -> None:
    longest = "https://example.com/".ljust(100, "r")
    assert options_of(callback_url=longest).callback_url == longest

    assert errors_of(callback_url=f"{longest}r") == {
        "callback_url": ["101 characters, and BSG takes at most 100: give a shorter address."]
    }


def test_start_at_is_in_the_future_and_thirty_days_ahead_at_most() -> None:
    latest = NOW + 30 * DAY
    assert options_of(start_at=latest).start_at == latest
    for wrong in (NOW, NOW - DAY, latest + timedelta(seconds=1), (NOW + DAY).replace(tzinfo=None)):
        assert errors_of(start_at=wrong).keys() == {"start_at"}


def test_start_at_is_converted_to_the_zone_of_the_account() -> None:
    settings = Settings.build(bsg_timezone="Europe/Kyiv")

    campaign_options = check_options({"start_at": NOW + DAY}, settings, NOW)

    assert campaign_options.start_at == NOW + DAY
    assert str(campaign_options.start_at) == "2030-02-01 14:00:00+02:00"


def test_the_deadline_counts_from_the_start() -> None:
    assert options_of(start_at=NOW + DAY).deadline == NOW + 2 * DAY
    assert options_of(start_at=NOW + DAY, deadline=60).deadline == NOW + DAY + timedelta(seconds=60)
    assert options_of(deadline=timedelta(hours=1)).deadline == NOW + timedelta(hours=1)
    assert options_of(deadline=NOW + 5 * DAY).deadline == NOW + 5 * DAY


def test_a_deadline_before_the_start_is_refused() -> None:
    for wrong in (0, -1, NOW, NOW + DAY, (NOW + 2 * DAY).replace(tzinfo=None), True, float("nan"), 1e300):
        assert errors_of(start_at=NOW + DAY, deadline=wrong).keys() == {"deadline"}


def test_a_deadline_alone_is_checked_the_same() -> None:
    assert check_deadline(NOW + DAY, NOW) == NOW + DAY
    assert check_deadline(60, NOW) == NOW + timedelta(seconds=60)
    for wrong in (NOW, None, NOW.replace(tzinfo=None), "soon"):
        with pytest.raises(CampaignInvalid) as raised:
            check_deadline(wrong, NOW)
        assert raised.value.errors.keys() == {"deadline"}


@pytest.mark.parametrize("text", ["", "  ", 5, "{{ a"])
def test_a_template_that_is_none_is_refused(text: object) -> None:
    assert errors_of(text=text).keys() == {"text"}


@pytest.mark.parametrize("control", ["\0", "\t", "\x1b", "\x85"])
def test_a_template_with_a_control_character_is_refused(control: str) -> None:
    (message,) = errors_of(text=f"Hi{control}")["text"]

    assert message == f"It has the control character U+{ord(control):04X}, which no phone shows: remove it."
    assert options_of(text="Hi\r\nyou").text == "Hi\r\nyou"


def test_an_options_survives_being_written_and_read() -> None:
    campaign_options = options_of(
        text="Привіт {{ name }}",
        start_at=NOW + DAY,
        callback_url="https://example.com/r?x=1",
        priority="high",
        name="A",
    )

    assert CampaignOptions.from_json(campaign_options.to_json()) == campaign_options
    assert CampaignOptions.from_json(campaign_options.to_json().encode()) == campaign_options


def test_the_request_has_the_start_in_the_zone_of_the_account() -> None:
    campaign_options = options_of(start_at=NOW + DAY, tariff_code=2, validity=5, callback_url="https://example.com/r")

    assert campaign_options.request_fields(NOW, KYIV) == (
        {"tariff_code": 2, "validity": 5, "start_at": "2030-02-01 14:00:00", "callback_url": "https://example.com/r"},
        False,
    )


def test_a_start_that_has_passed_is_left_out_and_reported() -> None:
    campaign_options = options_of(start_at=NOW + DAY)

    assert campaign_options.request_fields(NOW + DAY, UTC) == ({"tariff_code": 0, "validity": 72}, True)
    assert options_of().request_fields(NOW, UTC) == ({"tariff_code": 0, "validity": 72}, False)


def test_an_options_does_not_show_its_text() -> None:
    assert "sesame" not in repr(options_of(text="sesame"))


def test_an_account_is_named_in_small_letters() -> None:
    options_of(account="marketing")
    for wrong in ("Marketing", "", "a b", "-", "x" * 41, None, 5):
        assert errors_of(account=wrong).keys() == {"account"}


def test_a_misspelled_account_is_reported_where_keys_are_known() -> None:
    settings = Settings.from_environment({"BSG_API_KEY": "live_1", "BSG_API_KEY__MARKETING": "live_2"})

    with pytest.raises(CampaignInvalid) as raised:
        check_options({"account": "marketng"}, settings, NOW)

    ((message,),) = raised.value.errors.values()
    assert message.startswith("BSG_API_KEY__MARKETNG is not set, but other keys are")
    assert message.endswith("or give default or marketing.")
    check_options({"account": "marketing"}, settings, NOW)


def test_an_account_that_has_no_key_where_another_has_one_is_reported_too() -> None:
    settings = Settings.from_environment({"BSG_API_KEY__MARKETING": "live_2"})

    with pytest.raises(CampaignInvalid) as raised:
        check_options({}, settings, NOW)

    assert raised.value.errors.keys() == {"account"}


def test_hours_are_in_the_zone_of_the_account() -> None:
    settings = Settings.from_environment({"BSG_TIMEZONE__MARKETING": "Asia/Tokyo"})

    hours = check_options({"send_between": "09:00-20:00", "account": "marketing"}, settings, NOW).send_between

    assert hours is not None
    assert hours.endswith("Asia/Tokyo")
