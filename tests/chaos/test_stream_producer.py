"""The web app that sends through streams goes on where a kill has ended it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from bsg_config.settings import Settings
from bsg_producer import Producer
from tests.chaos.journal import Journal, enqueued
from tests.chaos.messages import STREAMS, ChaosMessage
from tests.chaos.producer_process import FINISH, journal_path
from tests.chaos.stream_checker import ids_by_key
from tests.failpoints.arming import ENVIRONMENT, arm, armed
from tests.failpoints.effects import ACCEPT_MESSAGES

SEED, PRODUCER = 168, 2  # whose first messages are valid, and are not given up


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
    known = {key: id for name in STREAMS for key, id in ids_by_key(producer._ledger, name, messages).items()}
    assert (died, ended) == (-signal.SIGKILL, 0)
    assert armed(failpoints) == set()
    assert open_before
    assert not any(each.is_open or each.failure for each in tried.values())
    assert known == {message.key: each.receipt for message in messages if (each := tried[message.number]).receipt}
    assert sum(campaign.counts["accepted"] for campaign in producer.campaigns()) == len(known)
