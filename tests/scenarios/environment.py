"""The environment of a scenario: Redis, the sandbox, and real worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bsg_config.settings import Settings
from bsg_ledger.records import CampaignStatus, CampaignSummary
from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from tests.processes import Processes, wait_until
from tests.servers import RedisServer


def messages(count: int, *, first_phone: int = 380_660_000_000) -> Iterator[Mapping[str, Any]]:
    for number in range(count):
        yield {"phone": first_phone + number, "text": f"Your code is {number}"}


UNSENT = ("unprepared", "pending", "posting", "unconfirmed")


class ScenarioEnvironment:
    def __init__(self, directory: Path, redis_url: str, sandbox: Sandbox, **settings: str) -> None:
        self.sandbox = sandbox
        self.redis_url = redis_url
        self.processes = Processes(directory, redis_url, sandbox.url, **settings)
        self.producer = Producer(Settings.from_environment(self.processes.settings))

    def __enter__(self) -> Self:
        self.processes.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.processes.__exit__(kind, error, trace)

    def send(self, count: int, *, first_phone: int = 380_660_000_000, **arguments: Any) -> str:
        """Enqueue a campaign of that many good messages; return its id."""
        return self.producer.enqueue(
            messages(count, first_phone=first_phone), **{"sender": "MyShop", **arguments}
        ).campaign_id

    def status(self, campaign: str) -> CampaignStatus:
        """Return the status; that the counts add up is checked on the way."""
        status = self.producer.status(campaign)
        counts = dict(status.counts)
        assert counts.pop("accepted") == sum(counts.values())
        return status

    def count(self, campaign: str, state: str) -> int:
        return self.status(campaign).counts[state]

    def wait_for(self, campaign: str, state: str, *, within: float = 20.0) -> CampaignStatus:
        """Wait until the campaign is in that state."""
        try:
            wait_until(lambda: self.status(campaign).state == state, within=within, what=f"{campaign} to be {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.status(campaign)}\n{self.processes.logs()}") from None
        return self.status(campaign)

    def wait_for_messages(self, campaign: str, state: str, count: int, *, within: float = 20.0) -> CampaignStatus:
        try:
            wait_until(lambda: self.count(campaign, state) == count, within=within, what=f"{count} messages {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.status(campaign)}\n{self.processes.logs()}") from None
        return self.status(campaign)

    def wait_until_all_is_sent(self) -> None:
        """Wait for what earlier tests began: it must not meet the faults of the next one.

        What is paused, or of an account whose key the workers do not have, stays unsent.
        """
        accounts = {account.name for account in Settings.from_environment(self.processes.settings).accounts}

        def is_under_way(campaign: CampaignSummary) -> bool:
            waits = campaign.paused or campaign.account_name not in accounts
            return not waits and any(campaign.counts[state] for state in UNSENT)

        wait_until(lambda: not any(map(is_under_way, self.producer.campaigns())), within=10, what="all to be sent")

    def arrivals(self, campaign: str) -> dict[str, int]:
        """Return how often each reference id of the campaign arrived at the sandbox."""
        return {
            reference_id: len(campaigns)
            for reference_id, campaigns in self.sandbox.record().by_reference.items()
            if reference_id.startswith(campaign)
        }

    def assert_each_arrived_once(self, campaign: str, count: int) -> None:
        arrivals = self.arrivals(campaign)
        assert len(arrivals) == count
        assert set(arrivals.values()) == {1}


@contextmanager
def scenario_in(directory: Path, **settings: str) -> Iterator[ScenarioEnvironment]:
    """Yield a scenario with a Redis and a sandbox of its own, on which no process runs yet."""
    with (
        RedisServer(directory / "redis") as server,
        Sandbox() as sandbox,
        ScenarioEnvironment(directory / "scenario", server.url, sandbox, **settings) as scenario,
    ):
        yield scenario
