"""Settings of several accounts, each by the variables with its name."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid

TWO = {"BSG_API_KEY": "live_1", "BSG_API_KEY__MARKETING": "live_2"}


def read(**environ: str) -> Settings:
    return Settings.from_environment(environ)


def errors_of(**environ: str) -> dict[str, list[str]]:
    with pytest.raises(SettingsInvalid) as raised:
        read(**environ)
    return raised.value.errors


def test_an_account_has_its_own_where_a_variable_has_its_name_and_the_rest_in_common() -> None:
    settings = read(**TWO, BSG_RATE_LIMIT="9/s", BSG_RATE_LIMIT__MARKETING="60/m", BSG_RATE_BURST="3")

    marketing = settings.of_account("marketing")

    assert (settings.account.name, settings.account.bsg_api_key, str(settings.account.bsg_rate_limit)) == (
        "default",
        "live_1",
        "9/s",
    )
    assert (marketing.name, marketing.bsg_api_key, str(marketing.bsg_rate_limit)) == (
        "marketing",
        "live_2",
        "60/m",
    )
    assert marketing.bsg_rate_burst == 3
    assert [account.name for account in settings.accounts] == [DEFAULT_ACCOUNT, "marketing"]


def test_the_key_alone_is_never_in_common() -> None:
    settings = read(BSG_API_KEY__MARKETING="live_2")

    assert [account.name for account in settings.accounts] == ["marketing"]
    with pytest.raises(SettingsInvalid) as raised:
        settings.of_account(DEFAULT_ACCOUNT)
    assert raised.value.errors.keys() == {"BSG_API_KEY"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BSG_RATE_LIMIT__MARKETING", "fast", "Not a rate"),
        ("BSG_RATE_LIMIT__MARKETNG", "5/s", ""),
        ("BSG_API_KEY__MARKETING", "live_1", "The same account as by BSG_API_KEY"),
        ("BSG_API_KEY__DEFAULT", "live_3", "set BSG_API_KEY"),
        ("BSG_API_KEY__Marketing", "live_3", "Not an account's name"),
        ("BSG_API_KEY__", "live_3", "Not an account's name"),
        ("BSG_API_KEY__MAR\u212aETING", "live_3", "Not an account's name"),
        ("WORKER_IN_FLIGHT__MARKETING", "3", "set WORKER_IN_FLIGHT"),
        ("BSG_READ_TIMEOUT__MARKETING", "600", "For the account marketing: "),
    ],
)
def test_what_is_wrong_is_reported_by_the_variable_with_the_remedy(name: str, value: str, message: str) -> None:
    named = {
        "BSG_RATE_LIMIT__MARKETNG": "BSG_API_KEY__MARKETNG",
        "BSG_READ_TIMEOUT__MARKETING": "LEASE_SECONDS",
    }.get(name, name)

    errors = errors_of(**{**TWO, name: value})

    assert errors.keys() == {named}
    assert message in errors[named][0]


def test_a_misspelled_name_is_reported_with_what_bears_it() -> None:
    assert errors_of(**TWO, BSG_RATE_LIMIT__MARKETNG="5/s") == {
        "BSG_API_KEY__MARKETNG": ["Not set, but BSG_RATE_LIMIT__MARKETNG is: set it, or correct the name."]
    }


def test_what_is_wrong_for_all_is_reported_once() -> None:
    assert errors_of(**TWO, BSG_RATE_LIMIT="fast").keys() == {"BSG_RATE_LIMIT"}


def test_variables_of_other_programs_and_blank_ones_are_left_alone() -> None:
    settings = read(**TWO, MY__SETTING="5", BSG_RATE_LIMIT__SALES=" ", __BSG_API_KEY="x")

    assert [account.name for account in settings.accounts] == [DEFAULT_ACCOUNT, "marketing"]


def test_a_web_app_needs_no_keys_to_name_an_account_and_may_have_its_zone() -> None:
    settings = read(BSG_TIMEZONE__MARKETING="Europe/Kyiv")

    assert settings.of_account("marketing").bsg_timezone == ZoneInfo("Europe/Kyiv")
    assert settings.of_account("sales").name == "sales"
    assert settings.accounts == ()


def test_a_campaign_is_of_whoever_claimed_it_and_before_that_of_its_name() -> None:
    settings = read(**TWO)
    marketing = settings.of_account("marketing")

    assert settings.owning(None, "marketing") == marketing
    assert settings.owning(marketing.id, "renamed") == marketing
    assert settings.owning(settings.account.id, "marketing") == settings.account
    assert settings.owning(None, "sales") is None
    assert settings.owning("somebody", "marketing") is None


def test_no_key_is_shown() -> None:
    assert "live_" not in repr(read(**TWO))


def test_the_same_account_by_another_spelling_of_its_address_is_reported() -> None:
    errors = errors_of(
        BSG_API_KEY="live_1", BSG_API_KEY__AGAIN="live_1", BSG_BASE_URL__AGAIN="https://ONE-api.bsg.world:443"
    )

    assert errors.keys() == {"BSG_API_KEY__AGAIN"}


def test_each_account_that_waits_too_long_for_its_lease_is_reported() -> None:
    slow = {"BSG_READ_TIMEOUT__MARKETING": "300", "BSG_API_KEY__SALES": "live_3", "BSG_READ_TIMEOUT__SALES": "600"}

    messages = errors_of(**TWO, **slow)["LEASE_SECONDS"]

    assert [message.partition(":")[0] for message in messages] == ["For the account marketing", "For the account sales"]
