"""The client against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from bsg_client import (
    AccountReason,
    BSGClient,
    Outcome,
    OutcomeKind,
    ReadFailed,
)
from bsg_client.access import Login
from bsg_config.settings import Settings
from bsg_sandbox.server import Sandbox
from tests.servers import RedisServer, free_port

OPTIONS = {"tariff_code": 0, "validity": 72}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def a_client(sandbox_url: str, redis_url: str, **overrides: Any) -> BSGClient:
    settings = Settings.build(
        **{
            "bsg_api_key": "live_sandbox",
            "bsg_base_url": sandbox_url,
            "bsg_connect_timeout": 2,
            "bsg_read_timeout": 2,
            **overrides,
        }
    )
    return BSGClient.connected(settings.account, redis.Redis.from_url(redis_url, socket_timeout=2))


def messages(count: int = 1, first: int = 0) -> bytes:
    return json.dumps(
        [
            {"phone": 380970000000 + row, "sender": "Shop", "text": "Hello", "reference_id": f"ref{row}"}
            for row in range(first, first + count)
        ]
    ).encode()


def send(client: BSGClient, body: bytes, **campaign_options: Any) -> Outcome:
    return client.send_individual(body, {**OPTIONS, **campaign_options}, lambda: True)


def logins(sandbox: Sandbox) -> int:
    return sum(seen.path == "/api/auth/login" for seen in sandbox.requests())


def creations(sandbox: Sandbox) -> int:
    return sum(seen.path.endswith("send-individual") for seen in sandbox.requests())


@pytest.mark.parametrize("auth", ["bearer", "api-key"])
def test_a_campaign_is_taken_and_found_again(sandbox: Sandbox, redis_url: str, auth: str) -> None:
    client = a_client(sandbox.url, redis_url, bsg_auth=auth)

    outcome = send(client, messages(3))

    assert outcome.kind is OutcomeKind.TAKEN
    assert outcome.campaign is not None
    detail = client.campaign(outcome.campaign.id)
    assert (detail.id, detail.total_messages) == (outcome.campaign.id, 3)
    rows = list(client.messages(campaign_id=outcome.campaign.id))
    assert [row.reference_id for row in rows] == ["ref0", "ref1", "ref2"]
    assert {row.campaign_id for row in rows} == {outcome.campaign.id}
    assert [row.id for row in client.messages(reference_id="ref1")] == [rows[1].id]
    assert list(client.messages(reference_id="unheardOf")) == []


def test_ten_thousand_messages_go_in_one_request(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)

    outcome = send(client, messages(10_000))

    assert outcome.campaign is not None
    assert client.campaign(outcome.campaign.id).total_messages == 10_000
    assert creations(sandbox) == 1


def test_all_requests_share_one_login(sandbox: Sandbox, redis_url: str) -> None:
    clients = [a_client(sandbox.url, redis_url) for _ in range(3)]

    for number, client in enumerate(clients):
        assert send(client, messages(1, number)).kind is OutcomeKind.TAKEN
        client.balance()

    assert logins(sandbox) == 1


def test_an_expired_token_is_renewed_and_the_campaign_made_once(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)
    client.balance()
    sandbox.fault("token_expired", first=1)

    outcome = send(client, messages())

    assert outcome.kind is OutcomeKind.TAKEN
    assert logins(sandbox) == 2
    assert sandbox.summary().campaigns == 1


def test_an_expired_token_is_renewed_for_reading_too(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)
    client.balance()
    sandbox.fault("token_expired", first=1)

    assert client.balance().balance > 0


def test_tokens_that_are_always_refused_end_after_the_second(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)
    sandbox.fault("token_expired", path="/api/campaigns/*")

    outcome = send(client, messages())

    assert (outcome.kind, outcome.account_reason) == (OutcomeKind.ACCOUNT_CLOSED, AccountReason.BAD_KEY)
    assert creations(sandbox) == 2
    assert logins(sandbox) == 2


def test_a_login_from_outside_that_voids_the_shared_token_costs_one_login_more(
    sandbox: Sandbox, redis_url: str
) -> None:
    sandbox.fault("token_voided_by_second_login")
    clients = [a_client(sandbox.url, redis_url) for _ in range(4)]
    clients[0].balance()
    Login(Settings.build(bsg_api_key="live_sandbox", bsg_base_url=sandbox.url).account)()

    kinds = [send(client, messages(1, row)).kind for row, client in enumerate(clients)]

    assert kinds == [OutcomeKind.TAKEN] * 4
    assert logins(sandbox) == 3
    assert creations(sandbox) == 5


def test_a_wrong_key_closes_the_account(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url, bsg_api_key="live_mistyped")

    outcome = send(client, messages())

    assert (outcome.kind, outcome.account_reason) == (OutcomeKind.ACCOUNT_CLOSED, AccountReason.BAD_KEY)
    with pytest.raises(ReadFailed) as failure:
        client.balance()
    assert failure.value.account_reason is AccountReason.BAD_KEY


def test_a_wrong_key_in_the_header_closes_the_account(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url, bsg_api_key="live_mistyped", bsg_auth="api-key")

    assert send(client, messages()).account_reason is AccountReason.BAD_KEY


@pytest.mark.parametrize("status", [200, 400, 402])
def test_without_funds_the_account_is_closed(sandbox: Sandbox, redis_url: str, status: int) -> None:
    sandbox.fault("no_funds", status=status)

    outcome = send(a_client(sandbox.url, redis_url), messages())

    assert (outcome.kind, outcome.account_reason) == (OutcomeKind.ACCOUNT_CLOSED, AccountReason.NO_FUNDS)


def test_a_blocked_user_is_distinguished(sandbox: Sandbox, redis_url: str) -> None:
    sandbox.fault("user_blocked")

    outcome = send(a_client(sandbox.url, redis_url), messages())

    assert (outcome.kind, outcome.account_reason) == (OutcomeKind.ACCOUNT_CLOSED, AccountReason.BLOCKED)


@pytest.mark.parametrize(
    ("fault", "options", "kept"),
    [
        ("server_error_before", {}, 0),
        ("server_error_after", {}, 1),
        ("cut_before", {}, 0),
        ("cut_after", {}, 1),
        ("silence_before", {}, 0),
        ("silence_after", {}, 1),
        ("garbage_after", {"shape": "html"}, 1),
        ("garbage_after", {"shape": "broken_json"}, 1),
        ("garbage_after", {"shape": "empty"}, 1),
        ("garbage_after", {"shape": "no_id"}, 1),
        ("garbage_after", {"shape": "half"}, 1),
        ("http_200_error", {"code": 5}, 0),
        ("redirect", {}, 0),
        ("endless_response", {}, 1),
    ],
)
def test_each_fault_that_leaves_it_open_is_in_doubt_whether_it_was_kept_or_not(
    sandbox: Sandbox, redis_url: str, fault: str, options: dict[str, Any], kept: int
) -> None:
    client = a_client(sandbox.url, redis_url, bsg_connect_timeout=0.3, bsg_read_timeout=0.3)
    client.balance()
    sandbox.fault(fault, **options)

    outcome = send(client, messages())

    assert outcome.kind is OutcomeKind.IN_DOUBT
    assert sandbox.summary().campaigns == kept
    assert creations(sandbox) == 1


@pytest.mark.parametrize("asked", [None, 3])
def test_throttled_is_reported_with_the_wait_that_bsg_asks_for(
    sandbox: Sandbox, redis_url: str, asked: int | None
) -> None:
    sandbox.fault("throttle", retry_after=asked)

    outcome = send(a_client(sandbox.url, redis_url), messages())

    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.THROTTLED, asked)


def test_reading_shows_that_it_is_throttled(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)
    sandbox.fault("throttle", method="GET", path="/api/accounts/balance", retry_after=4)

    with pytest.raises(ReadFailed) as failure:
        client.balance()

    assert (failure.value.throttled, failure.value.retry_after, failure.value.status) == (True, 4.0, 429)


@pytest.mark.parametrize("shape", ["object", "list"])
def test_refused_rows_are_named(sandbox: Sandbox, redis_url: str, shape: str) -> None:
    sandbox.fault("rows_refused", rows=[1, 3], field="sender", shape=shape)

    outcome = send(a_client(sandbox.url, redis_url), messages(5))

    assert outcome.kind is OutcomeKind.ROWS_REFUSED
    assert {row: one.field for row, one in outcome.violations.items()} == {1: "sender", 3: "sender"}


def test_the_sandboxs_own_rules_refuse_rows_and_requests(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)

    by_row = send(client, b'[{"phone":1,"sender":"Shop","text":"Hello"}]')
    by_options = send(client, messages(), validity=1000)

    assert {row: one.field for row, one in by_row.violations.items()} == {0: "phone"}
    assert by_options.kind is OutcomeKind.REFUSED


def test_the_same_reference_ids_again_are_in_doubt_and_not_refused(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)
    sandbox.fault("duplicates", mode="reject_whole")
    assert send(client, messages(2)).kind is OutcomeKind.TAKEN

    outcome = send(client, messages(2))

    assert (outcome.kind, outcome.cause) == (OutcomeKind.IN_DOUBT, "reference ids taken")


def test_lists_are_read_to_their_end(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)
    outcome = send(client, messages(1_234))
    assert outcome.campaign is not None

    rows = list(client.messages(campaign_id=outcome.campaign.id))

    assert len({row.reference_id for row in rows}) == len(rows) == 1_234


def test_campaigns_are_listed_for_a_span_of_time(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)
    made = [send(client, messages(1, row)).campaign for row in range(3)]
    now = datetime.now(UTC)

    found = list(client.campaigns(now - timedelta(hours=1), now + timedelta(hours=1)))
    earlier = list(client.campaigns(now - timedelta(days=3), now - timedelta(days=2)))

    assert [campaign.id for campaign in found] == [campaign.id for campaign in made if campaign]
    assert earlier == []


def test_each_page_asks_for_leave_first(sandbox: Sandbox, redis_url: str) -> None:
    asked: list[None] = []
    settings = Settings.build(bsg_api_key="live_sandbox", bsg_base_url=sandbox.url)
    client = BSGClient.connected(
        settings.account, redis.Redis.from_url(redis_url), before_read=lambda: asked.append(None)
    )
    outcome = send(client, messages(1_001))
    assert outcome.campaign is not None
    assert asked == []

    list(client.messages(campaign_id=outcome.campaign.id))

    assert len(asked) == 3


def test_a_scheduled_campaign_can_be_stopped_and_then_no_more(sandbox: Sandbox, redis_url: str) -> None:
    sandbox.configure(creation_seconds=0)
    client = a_client(sandbox.url, redis_url)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    campaign = send(client, messages(), start_at=tomorrow).campaign
    assert campaign is not None
    sandbox.advance(1)  # it is not in creation any more

    outcomes = [client.stop(campaign.id) for _ in range(2)]

    assert outcomes == ["stopped", None]


def test_a_campaign_that_bsg_does_not_know_cannot_be_read_or_stopped(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)

    for call in (client.campaign, client.stop):
        with pytest.raises(ReadFailed) as failure:
            call(987_654_321)
        assert failure.value.status == 404


def test_without_redis_nothing_leaves_and_nothing_is_raised(sandbox: Sandbox, own_redis_server: RedisServer) -> None:
    a_client(sandbox.url, own_redis_server.url).balance()
    client = a_client(sandbox.url, own_redis_server.url)
    own_redis_server.kill()

    outcome = send(client, messages())

    assert outcome.kind is OutcomeKind.NOT_TAKEN
    assert creations(sandbox) == 0
    with pytest.raises(ReadFailed):
        client.balance()


def test_a_login_without_a_response_leaves_nothing_taken(redis_url: str) -> None:
    outcome = send(a_client(f"http://127.0.0.1:{free_port()}", redis_url), messages())

    assert (outcome.kind, outcome.cause) == (OutcomeKind.NOT_TAKEN, "login: connection refused")


def test_neither_key_nor_token_shows_in_what_comes_back(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)
    send(client, messages())
    token = redis.Redis.from_url(redis_url).get(next(iter(redis.Redis.from_url(redis_url).keys("*token"))))
    sandbox.fault("token_expired")

    outcome = send(client, messages())

    assert isinstance(token, bytes)
    shown = repr(outcome) + repr(client) + repr(vars(client)) + repr(vars(client._access))
    assert token.decode() not in shown
    assert "live_sandbox" not in shown


def test_threads_may_share_a_client(sandbox: Sandbox, redis_url: str) -> None:
    client = a_client(sandbox.url, redis_url)

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda row: send(client, messages(1, row)), range(64)))

    assert len({outcome.campaign.id for outcome in outcomes if outcome.campaign}) == 64
    assert logins(sandbox) == 1
