"""A web process that dies while it sends, and tries again with its key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bsg_config.settings import Settings
from bsg_producer import Producer
from tests.failpoints.arming import arm
from tests.failpoints.effects import ACCEPT_MESSAGES

PROGRAM = (
    "from bsg_producer import Producer\n"
    "from tests.failpoints.arming import install\n"
    "install()\n"
    "codes = Producer().stream('codes', sender='MyShop')\n"
    "message = {'phone': 380660000000, 'text': 'Your code is 1234'}\n"
)
ONE = "codes.send(message, idempotency_key='key')"
MANY = "list(codes.send_many([(message, 'key'), ({**message, 'phone': 380660000001}, 'other key')]))"


@pytest.mark.parametrize(("sending", "messages"), [(ONE, 1), (MANY, 2)])
@pytest.mark.parametrize("point", [f"before {ACCEPT_MESSAGES}", f"after {ACCEPT_MESSAGES}"])
def test_a_web_process_that_dies_while_it_sends_leaves_a_message_or_none_and_its_key_says_which(
    redis_url: str, point: str, sending: str, messages: int, tmp_path: Path
) -> None:
    environment = {**os.environ, "REDIS_URL": redis_url, "FAILPOINTS": str(arm(tmp_path, point))}
    producer = Producer(Settings.build(redis_url=redis_url))

    died = subprocess.run([sys.executable, "-c", PROGRAM + sending], env=environment, check=False)
    before = [campaign.counts["accepted"] for campaign in producer.campaigns()]
    again = producer.stream("codes", sender="MyShop").send(
        {"phone": 380660000000, "text": "Your code is 1234"}, idempotency_key="key"
    )

    assert died.returncode == -9
    assert before == ([messages] if point.startswith("after") else [])
    assert again.duplicate == point.startswith("after")
    accepted = [campaign.counts["accepted"] for campaign in producer.campaigns()]
    assert accepted == [messages if again.duplicate else 1]
