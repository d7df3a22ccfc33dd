from __future__ import annotations

from typing import Any

import pytest

from bsg_sandbox.server import Sandbox
from tests.sandbox.sandbox_calls import call, messages, post, taken


def detail(sandbox: Sandbox, campaign: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = call(sandbox, "GET", f"/api/campaigns/{campaign['id']}/detail").json()["data"]
    return found


def paused_campaign(sandbox: Sandbox) -> dict[str, Any]:
    """Return a campaign of 100 messages at 0.01 each, of which the balance covers 40."""
    sandbox.configure(funds="as_sent", creation_seconds=10, sending_seconds=1_000_000, delivery_seconds=10)
    sandbox.put_account("live_sandbox", balance=0.4)
    campaign = taken(sandbox, messages(100))
    sandbox.advance(10 + 5_000)
    return campaign


def test_a_campaign_is_paused_when_the_funds_run_out_while_it_is_sent(sandbox: Sandbox) -> None:
    campaign = paused_campaign(sandbox)

    found = detail(sandbox, campaign)

    assert found["status"] == "paused"
    assert found["finished_at"] is None
    assert (found["statistics"]["delivered"], found["statistics"]["sending"]) == (40, 60)
    assert call(sandbox, "GET", "/api/accounts/balance").json()["data"]["balance"] == 0


def test_it_goes_on_where_it_was_when_it_is_resumed_with_funds(sandbox: Sandbox) -> None:
    campaign = paused_campaign(sandbox)
    sandbox.put_account("live_sandbox", balance=1.0)
    assert detail(sandbox, campaign)["status"] == "paused"

    sandbox.resume(campaign["id"])

    resumed = detail(sandbox, campaign)
    assert (resumed["status"], resumed["statistics"]["delivered"]) == ("sending", 40)
    sandbox.advance(3_000 + 10)
    assert detail(sandbox, campaign)["statistics"]["delivered"] == 70
    sandbox.advance(3_010)
    assert (detail(sandbox, campaign)["status"], detail(sandbox, campaign)["statistics"]["delivered"]) == ("done", 100)


def test_it_is_paused_again_when_the_funds_cover_a_segment_only(sandbox: Sandbox) -> None:
    campaign = paused_campaign(sandbox)
    sandbox.put_account("live_sandbox", balance=0.1)

    sandbox.resume(campaign["id"])
    sandbox.advance(5_000)

    found = detail(sandbox, campaign)
    assert (found["status"], found["statistics"]["delivered"]) == ("paused", 50)


def test_a_paused_campaign_can_be_stopped_and_keeps_back_the_rest(sandbox: Sandbox) -> None:
    campaign = paused_campaign(sandbox)

    assert call(sandbox, "PATCH", f"/api/campaigns/{campaign['id']}/stop").status_code == 200

    counts = detail(sandbox, campaign)["statistics"]
    assert (counts["delivered"], counts["failed"]) == (40, 60)


def test_a_campaign_that_does_not_wait_for_funds_cannot_be_resumed(sandbox: Sandbox) -> None:
    campaign = paused_campaign(sandbox)

    with pytest.raises(ValueError, match="no funds"):
        sandbox.resume(campaign["id"])
    sandbox.put_account("live_sandbox", balance=100)
    sandbox.resume(campaign["id"])
    with pytest.raises(ValueError, match="does not wait"):
        sandbox.resume(campaign["id"])
    with pytest.raises(KeyError):
        sandbox.resume(5)


def test_a_campaign_of_which_no_message_is_covered_is_refused(sandbox: Sandbox) -> None:
    sandbox.configure(funds="as_sent")
    sandbox.put_account("live_sandbox", balance=0.009)

    assert post(sandbox, messages(5)).json()["error"] == "8"
    assert sandbox.summary().campaigns == 0
