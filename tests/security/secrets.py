"""Values that nothing but BSG and the ledger may see, and looking for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

KEY = "live_opensesame7777"
KEY_OF_SECOND = "live_abracadabra8888"  # of a named account
PASSWORD = "hush-hush/4242"
QUOTED_PASSWORD = "hush-hush%2F4242"
TEXT = "swordfish"
NAME = "Xanthippe"
FIRST_PHONE = 380_667_770_000
_PHONE = "38066777"

SECRETS = (KEY, KEY_OF_SECOND, PASSWORD, QUOTED_PASSWORD, TEXT, NAME, _PHONE)


def messages(count: int) -> Iterator[Mapping[str, object]]:
    for number in range(count):
        yield {"phone": FIRST_PHONE + number, "name": f"{NAME}{number}"}


TEMPLATE = f"{TEXT} {{{{ name }}}}"


def secrets_in(text: str) -> list[str]:
    """Return the secrets that stand somewhere in the text."""
    return [secret for secret in SECRETS if secret in text]
