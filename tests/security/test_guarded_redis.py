"""Redis with a password and TLS: it works, and failures are reported without the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from bsg_cli.errors import ExitCode
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_producer import Producer, QueueUnavailable
from tests.cli.running import run
from tests.processes import Processes, wait_until
from tests.security.conftest import GuardedRedis
from tests.security.secrets import KEY, messages, secrets_in

WRONG = "wrong-open-4242"


def refusal(redis_url: str, **settings: object) -> str:
    producer = Producer(Settings.build(redis_url=redis_url, bsg_api_key=KEY, **settings))
    with pytest.raises(QueueUnavailable) as raised:
        producer.enqueue(messages(1), sender="MyShop", text="Hi")
    assert raised.value.__suppress_context__
    return str(raised.value)


def test_a_campaign_is_accepted_over_tls_with_the_password(guarded_redis: GuardedRedis) -> None:
    producer = Producer(Settings.build(redis_url=guarded_redis.url(), bsg_api_key=KEY))

    receipt = producer.enqueue(messages(2), sender="MyShop", text="Hi")

    assert producer.status(receipt.campaign_id).counts["accepted"] == 2
    with connect(Settings.build(redis_url=guarded_redis.url())) as client:
        assert client.llen("dispatch.default") >= 1


@pytest.mark.parametrize("password", [WRONG, ""])
def test_a_wrong_password_is_named_as_what_is_wrong(guarded_redis: GuardedRedis, password: str) -> None:
    message = refusal(guarded_redis.url(password))

    assert "refuses the user name or password" in message
    assert WRONG not in message


def test_a_certificate_that_nobody_vouches_for_is_refused(guarded_redis: GuardedRedis) -> None:
    assert "cannot be reached" in refusal(guarded_redis.url(trusted=False))


def test_a_server_that_speaks_no_tls_is_refused(guarded_redis: GuardedRedis) -> None:
    # It waits for the rest of what it takes for a command, and is given up.
    plain = guarded_redis.url().replace(str(guarded_redis.port), str(guarded_redis.server.port))

    assert secrets_in(refusal(plain, queue_timeout=0.5)) == []


def test_the_command_line_reports_a_wrong_password_and_not_which(guarded_redis: GuardedRedis, tmp_path: Path) -> None:
    listed = run(["list"], tmp_path, {"REDIS_URL": guarded_redis.url(WRONG), "BSG_API_KEY": KEY})

    assert listed.returncode == ExitCode.UNREACHABLE
    assert "refuses the user name or password" in listed.stderr
    assert WRONG not in listed.stderr
    assert "Traceback" not in listed.stderr


def test_a_worker_with_a_wrong_password_reports_so_without_it(guarded_redis: GuardedRedis, tmp_path: Path) -> None:
    with Processes(
        tmp_path, guarded_redis.url(WRONG), "http://127.0.0.1:9", log_level="DEBUG", BSG_API_KEY=KEY
    ) as processes:
        worker = processes.worker()
        wait_until(lambda: "username-password" in processes.logs(), within=20, what="the worker to complain")
        worker.kill()

        assert WRONG not in processes.logs()
        assert secrets_in(processes.logs()) == []
