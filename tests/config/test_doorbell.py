from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from bsg_config.celery_configuration import STATUS_QUEUE, WORKER_QUEUES, celery_settings
from bsg_config.doorbell import Doorbell
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from tests.servers import RedisServer, free_port

CAMPAIGN = "0123456789ABCDEFGHIJkl"


def bells_in(redis_url: str, queue: str) -> list[dict[str, object]]:
    """The tasks that wait in the queue, oldest first: name and arguments."""
    found = []
    for message in reversed(connect(Settings.build(redis_url=redis_url)).lrange(queue, 0, -1)):
        envelope = json.loads(message)
        args, _, _ = json.loads(base64.b64decode(envelope["body"]))
        found.append({"task": envelope["headers"]["task"], "args": args})
    return found


def test_a_bell_lands_in_the_queue_of_its_stage_and_priority(redis_url: str) -> None:
    doorbell = Doorbell(Settings.build(redis_url=redis_url))

    assert doorbell.ring_prepare(CAMPAIGN, "high")
    assert doorbell.ring_submit(CAMPAIGN, "bell-1", "low")

    assert bells_in(redis_url, "prepare.high") == [{"task": "bsg.prepare", "args": [CAMPAIGN]}]
    assert bells_in(redis_url, "submit.low") == [{"task": "bsg.submit", "args": [CAMPAIGN, "bell-1"]}]


def test_an_unknown_priority_is_the_callers_mistake(redis_url: str) -> None:
    with pytest.raises(ValueError, match="priority"):
        Doorbell(Settings.build(redis_url=redis_url)).ring_prepare(CAMPAIGN, "urgent")


def test_without_a_server_the_bell_is_not_heard_and_nothing_is_raised() -> None:
    doorbell = Doorbell(Settings.build(redis_url=f"redis://127.0.0.1:{free_port()}/0"))

    started = time.monotonic()
    assert doorbell.ring_prepare(CAMPAIGN, "normal") is False
    assert time.monotonic() - started < 2


@pytest.mark.server_kinds("valkey")
def test_a_server_that_is_silent_holds_the_caller_no_longer_than_the_queue_timeout(
    own_redis_server: RedisServer,
) -> None:
    settings = Settings.build(redis_url=own_redis_server.url, queue_timeout=0.6)
    connected = Doorbell(settings)
    assert connected.ring_prepare(CAMPAIGN, "normal")
    own_redis_server.pause()
    try:
        for doorbell in (connected, Doorbell(settings)):
            started = time.monotonic()
            assert doorbell.ring_prepare(CAMPAIGN, "normal") is False
            assert time.monotonic() - started < 1.2
    finally:
        own_redis_server.resume()
    assert connected.ring_prepare(CAMPAIGN, "normal")


@pytest.mark.server_kinds("valkey")
def test_the_bell_rings_again_after_the_server_was_restarted(own_redis_server: RedisServer) -> None:
    doorbell = Doorbell(Settings.build(redis_url=own_redis_server.url))
    assert doorbell.ring_prepare(CAMPAIGN, "normal")

    own_redis_server.kill()
    own_redis_server.start()

    assert doorbell.ring_prepare(CAMPAIGN, "normal")


def test_many_threads_ring_at_once(redis_url: str) -> None:
    doorbell = Doorbell(Settings.build(redis_url=redis_url))
    heard: list[bool] = []

    def ring() -> None:
        heard.extend(doorbell.ring_prepare(CAMPAIGN, "normal") for _ in range(10))

    threads = [threading.Thread(target=ring) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert heard == [True] * 240
    assert len(bells_in(redis_url, "prepare.normal")) == 240


def test_parent_and_child_both_ring_after_a_fork(redis_url: str) -> None:
    doorbell = Doorbell(Settings.build(redis_url=redis_url))
    assert doorbell.ring_prepare(CAMPAIGN, "normal")

    child = os.fork()
    if child == 0:
        os._exit(0 if all(doorbell.ring_prepare(CAMPAIGN, "normal") for _ in range(20)) else 1)
    heard = [doorbell.ring_prepare(CAMPAIGN, "normal") for _ in range(20)]

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(heard)
    assert len(bells_in(redis_url, "prepare.normal")) == 41


def test_every_published_task_has_a_queue_that_is_declared() -> None:
    configuration = celery_settings(Settings.build(redis_url="redis://localhost"))
    declared = {queue.name for queue in configuration["task_queues"]}

    assert declared == {*WORKER_QUEUES, STATUS_QUEUE}
    assert {tick["options"]["queue"] for tick in configuration["beat_schedule"].values()} == {STATUS_QUEUE}


def test_a_tick_of_beat_expires_but_not_by_clocks_that_differ_by_minutes() -> None:
    schedule = celery_settings(Settings.build(redis_url="redis://localhost", sweep_interval=2))["beat_schedule"]

    assert schedule.keys() == {"bsg.poll", "bsg.reconcile", "bsg.sweep", "bsg.purge"}
    assert {tick["options"]["expires"] for tick in schedule.values()} == {3600}
    assert schedule["bsg.sweep"]["schedule"] == 2


def test_the_http_bound_lies_below_the_time_limits_and_those_below_the_visibility_timeout() -> None:
    slowest = Settings.build(
        redis_url="redis://localhost", bsg_connect_timeout=60, bsg_read_timeout=600, lease_seconds=3600
    )
    configuration = celery_settings(slowest)

    assert slowest.longest_exchange < configuration["task_soft_time_limit"] < configuration["task_time_limit"]
    assert configuration["task_time_limit"] < configuration["broker_transport_options"]["visibility_timeout"] * 0.8


def test_ringing_imports_neither_the_worker_nor_requests_nor_flower() -> None:
    code = "import sys, bsg_config.doorbell; print({'requests', 'flower', 'bsg_worker'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"
