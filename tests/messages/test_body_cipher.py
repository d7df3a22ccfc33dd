"""Bodies in Redis are encrypted with the first key, and opened with any of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid
from bsg_messages.body_cipher import BodyCipher, DecryptionError

BODY = b"\x28\xb5\x2f\xfd a frame of zstd"
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_without_a_key_a_body_is_stored_as_it_is() -> None:
    assert BodyCipher(()).encrypt(BODY) == BODY
    assert BodyCipher(()).decrypt(BODY) == BODY


def test_with_a_key_nothing_of_the_body_is_seen_and_it_is_opened_again() -> None:
    stored = BodyCipher([NEW]).encrypt(BODY)

    assert b"zstd" not in stored
    assert BodyCipher([NEW]).decrypt(stored) == BODY


def test_the_first_key_encrypts_and_each_of_them_opens() -> None:
    of_before = BodyCipher([OLD]).encrypt(BODY)

    assert BodyCipher([NEW, OLD]).decrypt(of_before) == BODY
    assert BodyCipher([NEW]).decrypt(BodyCipher([NEW, OLD]).encrypt(BODY)) == BODY


def test_what_was_stored_before_there_was_a_key_is_still_read() -> None:
    assert BodyCipher([NEW]).decrypt(BODY) == BODY


@pytest.mark.parametrize("keys", [[], [OLD]])
def test_a_body_of_another_key_is_reported_as_such(keys: list[str]) -> None:
    with pytest.raises(DecryptionError, match="BODY_KEY does not have"):
        BodyCipher(keys).decrypt(BodyCipher([NEW]).encrypt(BODY))


def test_a_body_that_was_changed_is_not_opened() -> None:
    stored = bytearray(BodyCipher([NEW]).encrypt(BODY))
    stored[40] ^= 1

    with pytest.raises(DecryptionError):
        BodyCipher([NEW]).decrypt(bytes(stored))


def test_the_setting_takes_several_keys_and_shows_none() -> None:
    settings = Settings.from_environment({"BODY_KEY": f" {NEW}, {OLD} "})

    assert settings.body_key == (NEW, OLD)
    assert NEW not in repr(settings)


@pytest.mark.parametrize(
    "wrong", ["secret", f"{NEW},secret", NEW[:-2], "=" * 44], ids=["no key", "second", "short", "no bytes"]
)
def test_a_wrong_key_is_reported_by_its_index_and_not_shown(wrong: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"BODY_KEY: Key \d is not a key") as caught:
        Settings.from_environment({"BODY_KEY": wrong})

    assert "secret" not in str(caught.value)


def test_an_app_without_a_key_never_imports_cryptography() -> None:
    program = "import sys, bsg_producer; bsg_producer.Producer; print('cryptography.fernet' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
