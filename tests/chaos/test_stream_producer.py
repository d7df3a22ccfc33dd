"""The web app that sends through streams goes on where a kill has ended it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bsg_config.settings import Settings
from bsg_messages.reference_ids import campaign_and_index
from bsg_producer import Producer
from tests.chaos.journal import Journal, enqueued
from tests.chaos.messages import STREAMS, ChaosMessage, with_short_campaigns
from tests.chaos.producer_process import FINISH, journal_path
from tests.chaos.stream_checker import positions_by_key
from tests.failpoints.arming import ENVIRONMENT, arm, armed
from tests.failpoints.effects import ACCEPT_MESSAGES

SEED, PRODUCER = 168, 2  # whose first messages are valid, and are not given up


@pytest.mark.parametrize(("seconds", "messages"), [(0.0, 100), (60.0, 1)])
def test_the_campaigns_of_a_stream_are_as_short_as_a_run_needs_them(
    redis_url: str, seconds: float, messages: int
) -> None:
    producer = Producer(Settings.build(redis_url=redis_url))
    stream = with_short_campaigns(producer.stream("codes", sender="MyShop"), seconds, messages)

    for number in range(2):
        stream.send({"phone": 380660000000 + number, "text": "Your code is 1234"})

    assert [campaign.counts["accepted"] for campaign in stream.status().campaigns] == [1, 1]


def run(directory: Path, redis_url: str) -> int:
    environment = {**os.environ, "REDIS_URL": redis_url, ENVIRONMENT: str(directory / "failpoints")}
    command = [sys.executable, "-m", "tests.chaos.stream_producer_process", str(directory), str(SEED), str(PRODUCER)]
    return subprocess.run(command, env=environment, check=False).returncode


def test_a_web_app_that_was_killed_between_commit_and_response_gets_the_receipt_by_its_key(
    redis_url: str, tmp_path: Path
) -> None:
    failpoints = arm(tmp_path / "failpoints", f"after {ACCEPT_MESSAGES}")
    journal = Journal(journal_path(tmp_path, PRODUCER))
    died = run(tmp_path, redis_url)
    open_before = [number for number, each in enqueued(journal.entries()).items() if each.is_open]

    (tmp_path / FINISH).touch()
    ended = run(tmp_path, redis_url)

    tried = enqueued(journal.entries())
    producer = Producer(Settings.build(redis_url=redis_url))
    messages = [ChaosMessage.drawn(SEED, PRODUCER, number) for number in tried]
    known = {
        key: position
        for name in STREAMS
        for key, position in positions_by_key(producer._ledger, name, messages).items()
    }
    receipts = {message.key: tried[message.number].receipt for message in messages}
    assert (died, ended) == (-signal.SIGKILL, 0)
    assert armed(failpoints) == set()
    assert open_before
    assert not any(each.is_open or each.failure for each in tried.values())
    assert known == {key: campaign_and_index(receipt) for key, receipt in receipts.items() if receipt}
    assert sum(campaign.counts["accepted"] for campaign in producer.campaigns()) == len(known)
