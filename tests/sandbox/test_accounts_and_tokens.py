from __future__ import annotations

import requests

from bsg_sandbox.server import Sandbox
from tests.sandbox.sandbox_calls import (
    TIMEOUT,
    balance_status,
    call,
    login,
    message,
    post,
    refused_fields,
    taken,
)


def refresh(sandbox: Sandbox, bearer: str) -> requests.Response:
    return requests.post(
        f"{sandbox.url}/api/auth/refresh", headers={"Authorization": f"Bearer {bearer}"}, timeout=TIMEOUT
    )


def test_a_token_from_a_login_opens_the_account_until_its_time_is_over(sandbox: Sandbox) -> None:
    bearer = login(sandbox)
    assert balance_status(sandbox, bearer) == 200

    sandbox.advance(3601)

    assert balance_status(sandbox, bearer) == 401


def test_a_refresh_gives_a_new_token_for_an_old_one_even_when_expired(sandbox: Sandbox) -> None:
    old = login(sandbox)
    sandbox.advance(3601)

    new = refresh(sandbox, old).json()["bearer"]

    assert new != old
    assert balance_status(sandbox, new) == 200
    assert balance_status(sandbox, old) == 401
    assert refresh(sandbox, "never.given.out").status_code == 401


def test_an_unknown_key_is_refused_by_login_and_as_a_header(sandbox: Sandbox) -> None:
    response = requests.post(f"{sandbox.url}/api/auth/login", json={"api_key": "live_unknown"}, timeout=TIMEOUT)

    assert (response.status_code, response.json()["error"]) == (401, "1")
    assert call(sandbox, "GET", "/api/accounts/balance", key="live_unknown").status_code == 401


def test_a_request_without_credentials_is_refused(sandbox: Sandbox) -> None:
    response = requests.get(f"{sandbox.url}/api/accounts/balance", timeout=TIMEOUT)

    assert (response.status_code, response.json()) == (401, {"message": "Unauthenticated."})


def test_a_second_login_leaves_the_first_token_good_by_default(sandbox: Sandbox) -> None:
    first, _ = login(sandbox), login(sandbox)
    assert balance_status(sandbox, first) == 200

    sandbox.configure(second_login_voids=True)
    third = login(sandbox)

    assert balance_status(sandbox, first) == 401
    assert balance_status(sandbox, third) == 200


def test_a_demo_account_cannot_create_campaigns(sandbox: Sandbox) -> None:
    assert post(sandbox, [message()], key="live_demo").status_code == 403
    assert call(sandbox, "GET", "/api/campaigns", key="live_demo").status_code == 200
    assert sandbox.record().messages == 0


def test_a_test_key_sends_only_to_its_contact_book(sandbox: Sandbox) -> None:
    sandbox.put_account("test_sandbox", contact_book=[380670000001])

    response = post(sandbox, [message(1), message(2)], key="test_sandbox")

    assert refused_fields(response) == {"messages.1.phone"}
    taken(sandbox, [message(1)], key="test_sandbox")


def test_a_test_key_returns_random_information_that_the_seed_decides() -> None:
    def information(seed: int) -> list[object]:
        with Sandbox(seed=seed) as sandbox:
            rows = [message(phone=380970000001)]
            campaign = taken(sandbox, rows, key="test_sandbox")
            balance = call(sandbox, "GET", "/api/accounts/balance", key="test_sandbox").json()
            return [campaign["status"], campaign["statistics"], balance]

    assert information(1) == information(1)
    assert len({str(information(seed)) for seed in range(5)}) > 1


def test_an_account_sees_nothing_of_another(sandbox: Sandbox) -> None:
    sandbox.put_account("live_other")
    campaign = taken(sandbox, [message(reference_id="mine")])

    for path in (f"/api/campaigns/{campaign['id']}", f"/api/campaigns/{campaign['id']}/detail"):
        assert call(sandbox, "GET", path, key="live_other").status_code == 404
    for path in ("/api/campaigns", "/api/messages", "/api/messages?filter[reference_id]=mine"):
        assert call(sandbox, "GET", path, key="live_other").json()["data"] == []


def test_a_campaign_is_paid_and_one_that_cannot_be_is_not_kept(sandbox: Sandbox) -> None:
    sandbox.put_account("live_sandbox", balance=0.015)
    taken(sandbox, [message(1)])

    refusal = post(sandbox, [message(2)])

    assert refusal.json()["error"] == "8"
    assert sandbox.record().messages == 1
    balance = call(sandbox, "GET", "/api/accounts/balance").json()["data"]
    assert balance == {"balance": 0.005, "currency": "EUR", "credit": 0.0}


def test_a_blocked_account_is_reported_in_the_older_style(sandbox: Sandbox) -> None:
    sandbox.put_account("live_sandbox", blocked=True)

    assert call(sandbox, "GET", "/api/accounts/balance").json()["error"] == "2"


def test_the_tariffs_of_the_account_are_listed(sandbox: Sandbox) -> None:
    listed = call(sandbox, "GET", "/api/accounts/tariff").json()["data"]

    assert [tariff["code"] for tariff in listed] == list(range(10))


def test_an_account_that_asks_faster_than_its_rate_gets_429(sandbox: Sandbox) -> None:
    sandbox.configure(rate_limit=0.5)

    statuses = [call(sandbox, "GET", "/api/accounts/balance").status_code for _ in range(3)]

    assert statuses == [200, 429, 429]


def test_an_unknown_address_is_not_found_and_a_wrong_method_not_allowed(sandbox: Sandbox) -> None:
    assert call(sandbox, "GET", "/api/nothing").status_code == 404
    assert call(sandbox, "GET", "/api/campaigns/sms/send-individual").status_code == 405
