from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import Celery

from bsg_broker.celery_configuration import celery_settings
from bsg_broker.doorbell import Doorbell
from bsg_broker.queues import STATUS_QUEUE, SUBMIT, WORKER_QUEUES
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from tests.servers import RedisServer, free_port

CAMPAIGN = "0123456789ABCDEFGHIJkl"


def messages_in(redis_url: str, queue: str) -> list[dict[str, Any]]:
    """Return what waits in the queue, oldest first, with its body read."""
    found = []
    for stored in reversed(connect(Settings.build(redis_url=redis_url)).lrange(queue, 0, -1)):
        message = json.loads(stored)
        found.append({**message, "body": json.loads(base64.b64decode(message["body"]))})
    return found


def bells_in(redis_url: str, queue: str) -> list[dict[str, object]]:
    """Return the tasks that wait in the queue, oldest first: name and arguments."""
    return [{"task": each["headers"]["task"], "args": each["body"][0]} for each in messages_in(redis_url, queue)]


def test_a_bell_lands_in_the_queue_of_its_stage_and_priority(redis_url: str) -> None:
    doorbell = Doorbell(connect(Settings.build(redis_url=redis_url)))

    assert doorbell.ring_prepare(CAMPAIGN, "high")
    assert doorbell.ring_submit(CAMPAIGN, "bell-1", "low")

    assert bells_in(redis_url, "prepare.high") == [{"task": "bsg.prepare", "args": [CAMPAIGN]}]
    assert bells_in(redis_url, "submit.low") == [{"task": "bsg.submit", "args": [CAMPAIGN, "bell-1"]}]


def test_an_unknown_priority_is_the_callers_mistake(redis_url: str) -> None:
    with pytest.raises(ValueError, match="priority"):
        Doorbell(connect(Settings.build(redis_url=redis_url))).ring_prepare(CAMPAIGN, "urgent")


def test_without_a_server_the_bell_is_not_heard_and_nothing_is_raised() -> None:
    doorbell = Doorbell(connect(Settings.build(redis_url=f"redis://127.0.0.1:{free_port()}/0")))

    started = time.monotonic()
    assert doorbell.ring_prepare(CAMPAIGN, "normal") is False
    assert time.monotonic() - started < 2


@pytest.mark.server_kinds("valkey")
def test_a_server_that_is_silent_holds_the_caller_no_longer_than_the_queue_timeout(
    own_redis_server: RedisServer,
) -> None:
    settings = Settings.build(redis_url=own_redis_server.url, queue_timeout=0.6)
    connected = Doorbell(connect(settings))
    assert connected.ring_prepare(CAMPAIGN, "normal")
    own_redis_server.pause()
    try:
        for doorbell in (connected, Doorbell(connect(settings))):
            started = time.monotonic()
            assert doorbell.ring_prepare(CAMPAIGN, "normal") is False
            assert time.monotonic() - started < 1.2
    finally:
        own_redis_server.resume()
    assert connected.ring_prepare(CAMPAIGN, "normal")


@pytest.mark.server_kinds("valkey")
def test_the_bell_rings_again_after_the_server_was_restarted(own_redis_server: RedisServer) -> None:
    doorbell = Doorbell(connect(Settings.build(redis_url=own_redis_server.url)))
    assert doorbell.ring_prepare(CAMPAIGN, "normal")

    own_redis_server.kill()
    own_redis_server.start()

    assert doorbell.ring_prepare(CAMPAIGN, "normal")


def test_many_threads_ring_at_once(redis_url: str) -> None:
    doorbell = Doorbell(connect(Settings.build(redis_url=redis_url)))
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
    doorbell = Doorbell(connect(Settings.build(redis_url=redis_url)))
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

    assert schedule.keys() == {"bsg.poll", "bsg.reconcile", "bsg.sweep", "bsg.purge", "bsg.stoplist"}
    assert {tick["options"]["expires"] for tick in schedule.values()} == {3600}
    assert schedule["bsg.sweep"]["schedule"] == 2


def test_nobody_rings_for_a_stop_list_that_is_not_to_be_read() -> None:
    schedule = celery_settings(Settings.build(redis_url="redis://localhost", bsg_stoplist_interval=0))["beat_schedule"]

    assert "bsg.stoplist" not in schedule


def test_the_http_bound_lies_below_the_time_limits_and_those_below_the_visibility_timeout() -> None:
    slowest = Settings.build(
        redis_url="redis://localhost", bsg_connect_timeout=60, bsg_read_timeout=600, lease_seconds=3600
    )
    configuration = celery_settings(slowest)

    assert slowest.max_request_seconds < configuration["task_soft_time_limit"] < configuration["task_time_limit"]
    assert configuration["task_time_limit"] < configuration["broker_transport_options"]["visibility_timeout"] * 0.8


def test_a_bell_is_the_message_that_celery_itself_would_have_published(redis_url: str) -> None:
    settings = Settings.build(redis_url=redis_url)
    app = Celery(set_as_current=False)
    app.conf.update(celery_settings(settings))

    Doorbell(connect(settings)).ring_submit(CAMPAIGN, "bell-1", "high")
    Doorbell(connect(settings)).ring_submit(CAMPAIGN, "bell-1", "high", delay=10)
    app.send_task(SUBMIT, [CAMPAIGN, "bell-1"], queue="submit.high")
    app.send_task(SUBMIT, [CAMPAIGN, "bell-1"], queue="submit.high", countdown=10)
    app.close()

    ours, ours_later, celerys, celerys_later = messages_in(redis_url, "submit.high")
    assert without_identity(ours) == without_identity(celerys)
    assert without_identity(ours_later) == without_identity(celerys_later)
    distances = [datetime.fromisoformat(late["headers"]["eta"]) for late in (ours_later, celerys_later)]
    assert abs(distances[0] - distances[1]) < timedelta(seconds=5)


def without_identity(message: dict[str, Any]) -> dict[str, Any]:
    """Return all of a message but what differs from one to the next, or tells who published it."""
    headers, properties = message["headers"], message["properties"]
    assert headers["id"] == headers["root_id"] == properties["correlation_id"] != properties["delivery_tag"]
    differing = dict.fromkeys(("id", "root_id", "origin", "correlation_id", "delivery_tag", "reply_to"), "")
    has_eta = {"eta": headers["eta"] is not None}
    return {
        **message,
        "headers": {**headers, **has_eta, **{name: differing[name] for name in headers.keys() & differing}},
        "properties": {**properties, **{name: differing[name] for name in properties.keys() & differing}},
    }


def test_ringing_imports_none_of_what_only_workers_need() -> None:
    code = "import sys, bsg_producer; print({'celery', 'kombu', 'requests', 'flower', 'bsg_worker'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"
