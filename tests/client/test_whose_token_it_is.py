"""What a token of BSG's shows about its account."""

from __future__ import annotations

import base64
import json

import pytest

from bsg_client.access import bsg_account_of

# The `bearer` of BSG's document, without its signature.
DOCUMENTED = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9."
    "eyJpYXQiOjE3Mzg3Nzc2NjgsImV4cCI6MTc0MTM2OTY2OCwicm9sZXMiOltdLCJpZCI6MjA4fQ.signature"
)


def token(claims: object) -> str:
    return f"header.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.signature"


def test_every_token_of_an_account_names_the_same() -> None:
    again = token({"iat": 1, "exp": 2, "roles": [], "id": 208})

    assert bsg_account_of(DOCUMENTED) == bsg_account_of(again) != ""
    assert "208" not in bsg_account_of(DOCUMENTED)


@pytest.mark.parametrize("claims", [{"id": 209}, {"id": "208"}, {"id": 208, "sub": "someone"}])
def test_tokens_of_other_accounts_name_something_else(claims: object) -> None:
    assert bsg_account_of(token(claims)) not in {"", bsg_account_of(DOCUMENTED)}


@pytest.mark.parametrize(
    "given",
    [
        "",
        "opaque",
        "a.b",
        "a.%%%.c",
        "a.\u00e4.c",
        token([208]),
        token({"iat": 1}),
        token({"sub": "api"}),
        *(token({"id": nobody}) for nobody in (0, "", None, True, False, [208], {"of": 208}, 1.5)),
    ],
)
def test_a_token_that_does_not_say_whose_it_is_proves_nothing(given: str) -> None:
    assert bsg_account_of(given) == ""
