"""The environment is somebody else's text: every setting is read, or refused by its name, without repeating secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid
from bsg_config.settings_table import SETTINGS
from tests.hostile.strategies import ODD_TEXTS, PYTHON_VALUES

NAMES = [setting.name for setting in SETTINGS]
URL_PIECES = st.sampled_from(
    ["redis://", "rediss://", "unix://", "sentinel://", "https://", "http://", "localhost"]
) | (
    st.sampled_from(
        ["@", ":", "/", "//", "?", "#", "[", "]", "[::1]", "%", "%00", "0", "99999", "db=", "\u2100", "\n", " "]
    )
)
TEXTS = st.text(max_size=30) | ODD_TEXTS | st.lists(URL_PIECES, max_size=8).map("".join)


@given(environ=st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4))
def test_any_environment_is_read_or_refused_by_name(environ: dict[str, str]) -> None:
    try:
        settings = Settings.from_environment(environ)
    except SettingsInvalid as invalid:
        assert invalid.errors.keys() <= set(NAMES)
    else:
        assert settings.account.max_request_seconds * 3 <= settings.lease_seconds
        repr(settings)


ACCOUNTS = st.sampled_from(["", "MARKETING", "SALES_2", "marketing", "DEFAULT", "_", "А"]) | ODD_TEXTS


@given(environ=st.dictionaries(st.tuples(st.sampled_from(NAMES), ACCOUNTS).map("__".join), TEXTS, max_size=4))
def test_any_variable_with_an_accounts_name_is_read_or_refused_by_name(environ: dict[str, str]) -> None:
    keys = {f"BSG_API_KEY__{name.partition('__')[2]}" for name in environ}
    try:
        settings = Settings.from_environment({"BSG_API_KEY": "live_1", **environ})
    except SettingsInvalid as invalid:
        assert invalid.errors.keys() <= {*NAMES, *environ, *keys}
    else:
        assert {account.name for account in settings.named_accounts} == {
            name.partition("__")[2].lower() for name, value in environ.items() if value.strip()
        }
        assert len({account.id for account in settings.accounts}) == len(settings.accounts)


@given(name=st.sampled_from(NAMES), value=PYTHON_VALUES)
def test_any_value_given_in_code_is_read_or_refused_by_name(name: str, value: object) -> None:
    try:
        Settings.build(**{name.lower(): value})
    except SettingsInvalid as invalid:
        assert name in invalid.errors or "LEASE_SECONDS" in invalid.errors or invalid.errors.keys() <= set(NAMES)


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:hush\u2100hush@cache/0",
        "redis://user:hush[hush@cache/0",
        "redis://user:hush#hush@cache/0",
        "redis://user:hush?hush@cache/0",
        "redis://user:hush/hush@cache/0",
        "redis://user:hush@cache:hush/0",
        "http://user:hush@cache/0",
    ],
)
def test_what_is_wrong_with_an_address_is_reported_without_its_password(url: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        Settings.build(redis_url=url)

    assert "hush" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    ["https://:hush@bsg", "https://hush@bsg", "https://bsg\n.elsewhere", "https://bsg elsewhere", "https://b\u0455g"],
)
def test_an_address_of_bsg_that_shows_a_secret_or_reads_as_another_is_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        Settings.build(bsg_base_url=url)

    assert raised.value.errors.keys() == {"BSG_BASE_URL"}
    assert "hush" not in str(raised.value)
