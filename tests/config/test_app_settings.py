from __future__ import annotations

from typing import Any

import pytest

from bsg_config.app_settings import read_app_settings
from bsg_config.settings_invalid import SettingsInvalid


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://environment:6379/0")
    monkeypatch.setenv("QUEUE_TIMEOUT", "7")


def test_what_the_app_gives_has_precedence_over_the_environment() -> None:
    settings = read_app_settings({"REDIS_URL": "redis://app:6379/0"})

    assert (settings.redis_url, settings.queue_timeout) == ("redis://app:6379/0", 7.0)


def test_values_may_have_the_types_of_python() -> None:
    settings = read_app_settings({"QUEUE_TIMEOUT": 2, "BSG_PUSH_STOPLIST": True, "CAMPAIGN_BATCH_SIZE": 500})

    assert settings.queue_timeout == 2.0
    assert settings.account.bsg_push_stoplist is True


def test_none_leaves_the_value_of_the_environment() -> None:
    assert read_app_settings({"QUEUE_TIMEOUT": None}).queue_timeout == 7.0


def test_a_named_account_has_settings_of_its_own() -> None:
    given = {"BSG_API_KEY": "live_one", "BSG_API_KEY__MARKETING": "live_two"}

    assert [account.name for account in read_app_settings(given).accounts] == ["default", "marketing"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"REDIS_ULR": "redis://app:6379/0"}, "REDIS_ULR: There is no such setting."),
        ({"redis_url": "redis://app:6379/0"}, "redis_url: There is no such setting."),
        ({"BSG_KEY__MARKETING": "live_two"}, "BSG_KEY__MARKETING: There is no such setting."),
        ({"QUEUE_TIMEOUT": "soon"}, "QUEUE_TIMEOUT: "),
        ({"QUEUE_TIMEOUT": True}, "QUEUE_TIMEOUT: "),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsInvalid, match=message):
        read_app_settings(given)
