"""What comes between a claimed batch and its record."""

from __future__ import annotations

from bsg_sandbox.server import Sandbox
from tests.worker.bench import Bench

POST = "/api/campaigns/sms/send-individual"


def posts(sandbox: Sandbox) -> list[float]:
    return [request.time for request in sandbox.requests() if request.path == POST]


def two_a_second(redis_url: str, sandbox: Sandbox) -> Bench:
    return Bench(redis_url, sandbox, BSG_RATE_LIMIT="2/s", BSG_RATE_BURST="1", CAMPAIGN_BATCH_SIZE="1")


def test_a_slow_login_brings_no_two_requests_closer_together_than_the_limit(redis_url: str) -> None:
    with Sandbox() as sandbox:
        sandbox.fault("latency", seconds=0.6, path="/api/auth/login")
        bench = two_a_second(redis_url, sandbox)

        bench.submitted(2)

        first, second = posts(sandbox)
        assert second - first >= 0.4


def test_a_request_that_is_made_again_with_a_new_token_takes_a_slot_of_its_own(redis_url: str) -> None:
    with Sandbox() as sandbox:
        sandbox.fault("token_expired", first=1, path=POST)
        bench = two_a_second(redis_url, sandbox)

        campaign = bench.submitted(1)

        first, second = posts(sandbox)
        assert second - first >= 0.4
        assert bench.batch(campaign).state == "submitted"
