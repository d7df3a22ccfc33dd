from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bsg_config.rate import Rate
from bsg_config.setting import Setting
from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid
from bsg_config.settings_table import SETTINGS

ROOT = Path(__file__).parents[2]
ENV_EXAMPLE = ROOT / ".env.example"


def errors_of(**environ: str) -> dict[str, list[str]]:
    with pytest.raises(SettingsInvalid) as raised:
        Settings.from_environment(environ)
    return raised.value.errors


def test_without_any_variable_every_setting_has_its_default() -> None:
    settings = Settings.from_environment({})

    assert settings == Settings.build()
    assert settings.account.bsg_base_url == "https://one-api.bsg.world"
    assert settings.account.bsg_rate_limit == Rate(5, 1)
    assert settings.campaign_batch_size == 10_000
    assert settings.account.bsg_api_key is None
    assert settings.redis_url is None


def test_a_blank_variable_counts_as_unset() -> None:
    assert Settings.from_environment({"BSG_API_KEY": "", "QUEUE_TIMEOUT": " "}) == Settings.build()


@pytest.mark.parametrize(
    "key", ["sandbox", "LIVE_1", "live_", "live-1", "'live_1'", "xlive_1", "live_a b", "live_a\nb"]
)
def test_a_key_of_the_wrong_form_is_refused_by_its_variable_and_not_shown(key: str) -> None:
    errors = errors_of(BSG_API_KEY=key, BSG_API_KEY__MARKETING=key)

    assert errors.keys() == {"BSG_API_KEY", "BSG_API_KEY__MARKETING"}
    assert "begins with live_ or test_" in errors["BSG_API_KEY"][0]
    assert key == "live_" or key not in str(errors)


@pytest.mark.parametrize("key", ["live_1", "test_1", " live_~!# "])
def test_a_key_of_either_kind_is_accepted(key: str) -> None:
    assert Settings.from_environment({"BSG_API_KEY": key}).account.bsg_api_key == key.strip()


def test_variables_are_read_by_their_names() -> None:
    settings = Settings.from_environment(
        {"BSG_RATE_LIMIT": "300/m", "BSG_TIMEZONE": "Europe/Kyiv", "BODY_RETENTION": "7d", "QUEUE_TIMEOUT": "0.5"}
    )

    assert settings.account.bsg_rate_limit.interval_ms == 200
    assert settings.account.bsg_timezone == ZoneInfo("Europe/Kyiv")
    assert settings.body_retention == 604_800
    assert settings.queue_timeout == 0.5


def test_all_wrong_settings_are_reported_at_once_each_with_a_remedy() -> None:
    wrong = {
        "BSG_API_KEY": "live_a\nb",
        "BSG_BASE_URL": "http://one-api.bsg.world",
        "BSG_AUTH": "basic",
        "BSG_RATE_LIMIT": "fast",
        "BSG_RATE_BURST": "0",
        "BSG_TIMEZONE": "Mars/Olympus",
        "REDIS_URL": "memcached://localhost",
        "QUEUE_DURABILITY": "maybe",
        "CAMPAIGN_BATCH_SIZE": "10001",
        "SWEEP_INTERVAL": "soon",
    }

    errors = errors_of(**wrong)

    assert errors.keys() == wrong.keys()
    assert all(len(messages) == 1 for messages in errors.values())
    assert "https://" in errors["BSG_BASE_URL"][0]
    assert "5/s" in errors["BSG_RATE_LIMIT"][0]


def test_built_settings_are_checked_like_those_of_the_environment() -> None:
    with pytest.raises(SettingsInvalid) as raised:
        Settings.build(campaign_batch_size=0, bsg_auth="none", speed=3)

    assert raised.value.errors.keys() == {"CAMPAIGN_BATCH_SIZE", "BSG_AUTH", "speed"}


def test_built_settings_take_values_of_the_right_type() -> None:
    settings = Settings.build(
        bsg_rate_limit=Rate(2, 60), campaign_deadline=timedelta(hours=2), bsg_timezone=ZoneInfo("UTC")
    )

    assert settings.account.bsg_rate_limit.interval_ms == 30_000
    assert settings.campaign_deadline == 7200


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9", "https://x.example"])
def test_unencrypted_addresses_are_for_loopback_only(url: str) -> None:
    assert Settings.build(bsg_base_url=url + "/").account.bsg_base_url == url


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1", "http://localhost.example", "ftp://localhost", "https://a:b@c.d", "https://:b@c.d", "x"]
)
def test_other_addresses_are_refused(url: str) -> None:
    assert errors_of(BSG_BASE_URL=url).keys() == {"BSG_BASE_URL"}


def test_status_requests_are_fast_enough_to_look_a_batch_up() -> None:
    assert Settings.build(bsg_status_rate_limit="6/m").account.bsg_status_rate_limit == Rate(6, 60)
    assert errors_of(BSG_STATUS_RATE_LIMIT="5/m").keys() == {"BSG_STATUS_RATE_LIMIT"}


def test_a_batch_is_no_larger_than_bsg_takes() -> None:
    assert Settings.build(campaign_batch_size=10_000).campaign_batch_size == 10_000
    assert errors_of(CAMPAIGN_BATCH_SIZE="10001").keys() == {"CAMPAIGN_BATCH_SIZE"}


def test_a_lease_outlasts_three_whole_requests() -> None:
    assert Settings.build(lease_seconds=195).lease_seconds == 195
    assert errors_of(LEASE_SECONDS="194.9").keys() == {"LEASE_SECONDS"}
    assert errors_of(LEASE_SECONDS="600", BSG_READ_TIMEOUT="196").keys() == {"LEASE_SECONDS"}


def test_neither_the_key_nor_a_password_is_ever_shown() -> None:
    settings = Settings.build(bsg_api_key="live_sesame", redis_url="redis://me:opensesame@cache:6379/2")

    assert "sesame" not in repr(settings)
    assert "cache:6379" in repr(settings)
    assert "sesame" not in str(errors_of(REDIS_URL="redis://me:sesame@cache:6379:1/0"))


def test_the_account_is_named_by_address_and_key_without_revealing_either() -> None:
    account = Settings.build(bsg_api_key="live_1").account.id

    assert re.fullmatch("[0-9a-f]{16}", account)
    assert account == Settings.build(bsg_api_key="live_1").account.id
    assert account != Settings.build(bsg_api_key="live_2").account.id
    assert account != Settings.build(bsg_api_key="live_1", bsg_base_url="http://127.0.0.1:1").account.id


def test_what_needs_the_key_says_that_it_is_not_set() -> None:
    with pytest.raises(SettingsInvalid) as raised:
        Settings.build().account.require_api_key()

    assert raised.value.errors.keys() == {"BSG_API_KEY"}


@pytest.mark.parametrize("written", ["5", "0/s", "-1/s", "5/d", "/s", "5 / s / s", "nan/s", "99999/s", "1e3/s"])
def test_what_is_no_rate_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="rate"):
        Rate.parse(written)


@pytest.mark.parametrize(("written", "interval"), [("5/s", 200), ("300/m", 200), ("1000/h", 3600), ("0.5/s", 2000)])
def test_a_rate_is_read_as_people_write_it(written: str, interval: float) -> None:
    assert Rate.parse(written).interval_ms == interval
    assert Rate.parse(str(Rate.parse(written))) == Rate.parse(written)


def test_readers_of_rejects_are_names_with_commas_between_them() -> None:
    assert Settings.build(reject_readers=" ann, eve@example.com,,").reject_readers == ("ann", "eve@example.com")
    assert Settings.build().reject_readers == ()


@pytest.mark.parametrize("secret", ["short", "x" * 15, "x" * 65])
def test_a_search_key_that_is_too_short_or_too_long_is_refused_and_not_shown(secret: str) -> None:
    errors = errors_of(SEARCH_KEY=secret)

    assert errors.keys() == {"SEARCH_KEY"}
    assert secret not in str(errors)


def test_the_example_file_shows_every_default() -> None:
    written = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", ENV_EXAMPLE.read_text(), re.MULTILINE))

    assert Settings.from_environment(written) == Settings.build()
    assert written.keys() == {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_explained_in_whole_sentences(setting: Setting) -> None:
    assert re.fullmatch(r"[A-Z`].{20,}\.", setting.explanation)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_used_by_the_product(setting: Setting) -> None:
    sources = (file.read_text() for file in ROOT.glob("*/bsg_*/**/*.py"))

    assert any(f".{setting.field}" in source for source in sources)
