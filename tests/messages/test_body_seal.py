"""Bodies in Redis are encrypted with the first key, and opened with any of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from bsg_config.settings import Settings, SettingsInvalid
from bsg_messages.body_seal import BodySeal, BodySealed

BODY = b"\x28\xb5\x2f\xfd a frame of zstd"
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_without_a_key_a_body_is_stored_as_it_is() -> None:
    assert BodySeal(()).close(BODY) == BODY
    assert BodySeal(()).open(BODY) == BODY


def test_with_a_key_nothing_of_the_body_is_seen_and_it_is_opened_again() -> None:
    stored = BodySeal([NEW]).close(BODY)

    assert b"zstd" not in stored
    assert BodySeal([NEW]).open(stored) == BODY


def test_the_first_key_encrypts_and_each_of_them_opens() -> None:
    of_before = BodySeal([OLD]).close(BODY)

    assert BodySeal([NEW, OLD]).open(of_before) == BODY
    assert BodySeal([NEW]).open(BodySeal([NEW, OLD]).close(BODY)) == BODY


def test_what_was_stored_before_there_was_a_key_is_still_read() -> None:
    assert BodySeal([NEW]).open(BODY) == BODY


@pytest.mark.parametrize("keys", [[], [OLD]])
def test_a_body_of_another_key_is_told_as_such(keys: list[str]) -> None:
    with pytest.raises(BodySealed, match="BODY_KEY does not have"):
        BodySeal(keys).open(BodySeal([NEW]).close(BODY))


def test_a_body_that_was_changed_is_not_opened() -> None:
    stored = bytearray(BodySeal([NEW]).close(BODY))
    stored[40] ^= 1

    with pytest.raises(BodySealed):
        BodySeal([NEW]).open(bytes(stored))


def test_the_setting_takes_several_keys_and_shows_none() -> None:
    settings = Settings.from_environment({"BODY_KEY": f" {NEW}, {OLD} "})

    assert settings.body_key == (NEW, OLD)
    assert NEW not in repr(settings)


@pytest.mark.parametrize("wrong", ["secret", f"{NEW},secret", NEW[:-2], "=" * 44])
def test_a_wrong_key_is_told_by_its_place_and_not_shown(wrong: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"BODY_KEY: Key \d is none") as caught:
        Settings.from_environment({"BODY_KEY": wrong})

    assert "secret" not in str(caught.value)


def test_an_app_without_a_key_never_imports_cryptography() -> None:
    program = "import sys, bsg_producer; bsg_producer.Producer; print('cryptography.fernet' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
