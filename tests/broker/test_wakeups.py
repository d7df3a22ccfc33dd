from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from celery import Celery
from kombu.entity import Queue

from bsg_broker.celery_configuration import celery_settings
from bsg_broker.queues import DISPATCH, DISPATCH_QUEUE, STATUS_QUEUE, dispatch_queue
from bsg_broker.wakeups import Wakeups
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from tests.servers import RedisServer, free_port

ACCOUNT = "marketing"
QUEUE = dispatch_queue(ACCOUNT)


def messages_in(redis_url: str, queue: str) -> list[dict[str, Any]]:
    """Return what waits in the queue, oldest first, with its body read."""
    found = []
    for stored in reversed(connect(Settings.build(redis_url=redis_url)).lrange(queue, 0, -1)):
        message = json.loads(stored)
        found.append({**message, "body": json.loads(base64.b64decode(message["body"]))})
    return found


def wakeups_in(redis_url: str, queue: str) -> list[dict[str, object]]:
    """Return the tasks that wait in the queue, oldest first: name and arguments."""
    return [{"task": each["headers"]["task"], "args": each["body"][0]} for each in messages_in(redis_url, queue)]


def test_a_wake_up_lands_in_the_queue_of_its_account(redis_url: str) -> None:
    wakeups = Wakeups(connect(Settings.build(redis_url=redis_url)))

    assert wakeups.notify("default")
    assert wakeups.notify("marketing")

    assert wakeups_in(redis_url, "dispatch.default") == [{"task": "bsg.dispatch", "args": ["default"]}]
    assert wakeups_in(redis_url, "dispatch.marketing") == [{"task": "bsg.dispatch", "args": ["marketing"]}]


def test_without_a_server_the_wake_up_is_not_heard_and_nothing_is_raised() -> None:
    wakeups = Wakeups(connect(Settings.build(redis_url=f"redis://127.0.0.1:{free_port()}/0")))

    started = time.monotonic()
    assert wakeups.notify(ACCOUNT) is False
    assert time.monotonic() - started < 2


@pytest.mark.server_kinds("valkey")
def test_a_server_that_is_silent_holds_the_caller_no_longer_than_the_queue_timeout(
    own_redis_server: RedisServer,
) -> None:
    settings = Settings.build(redis_url=own_redis_server.url, queue_timeout=0.6)
    connected = Wakeups(connect(settings))
    assert connected.notify(ACCOUNT)
    own_redis_server.pause()
    try:
        for wakeups in (connected, Wakeups(connect(settings))):
            started = time.monotonic()
            assert wakeups.notify(ACCOUNT) is False
            assert time.monotonic() - started < 1.2
    finally:
        own_redis_server.resume()
    assert connected.notify(ACCOUNT)


@pytest.mark.server_kinds("valkey")
def test_wake_ups_are_heard_again_after_the_server_was_restarted(own_redis_server: RedisServer) -> None:
    wakeups = Wakeups(connect(Settings.build(redis_url=own_redis_server.url)))
    assert wakeups.notify(ACCOUNT)

    own_redis_server.kill()
    own_redis_server.start()

    assert wakeups.notify(ACCOUNT)


def test_many_threads_notify_at_once(redis_url: str) -> None:
    wakeups = Wakeups(connect(Settings.build(redis_url=redis_url)))
    heard: list[bool] = []

    def notify() -> None:
        heard.extend(wakeups.notify(ACCOUNT) for _ in range(10))

    threads = [threading.Thread(target=notify) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert heard == [True] * 240
    assert len(wakeups_in(redis_url, QUEUE)) == 240


def test_parent_and_child_both_notify_after_a_fork(redis_url: str) -> None:
    wakeups = Wakeups(connect(Settings.build(redis_url=redis_url)))
    assert wakeups.notify(ACCOUNT)

    child = os.fork()
    if child == 0:
        os._exit(0 if all(wakeups.notify(ACCOUNT) for _ in range(20)) else 1)
    heard = [wakeups.notify(ACCOUNT) for _ in range(20)]

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(heard)
    assert len(wakeups_in(redis_url, QUEUE)) == 41


def test_the_queues_that_every_worker_may_serve_are_declared() -> None:
    configuration = celery_settings(Settings.build(redis_url="redis://localhost"))
    declared = {queue.name for queue in configuration["task_queues"]}

    assert declared == {DISPATCH_QUEUE, STATUS_QUEUE}
    assert {tick["options"]["queue"] for tick in configuration["beat_schedule"].values()} == {STATUS_QUEUE}


def test_a_tick_of_beat_expires_but_not_by_clocks_that_differ_by_minutes() -> None:
    schedule = celery_settings(Settings.build(redis_url="redis://localhost", sweep_interval=2))["beat_schedule"]

    assert schedule.keys() == {"bsg.poll", "bsg.reconcile", "bsg.sweep", "bsg.purge", "bsg.stoplist"}
    assert {tick["options"]["expires"] for tick in schedule.values()} == {3600}
    assert schedule["bsg.sweep"]["schedule"] == 2


def test_no_tick_is_for_a_stop_list_that_is_not_to_be_read() -> None:
    schedule = celery_settings(Settings.build(redis_url="redis://localhost", bsg_stoplist_interval=0))["beat_schedule"]

    assert "bsg.stoplist" not in schedule


def test_messages_are_indexed_where_a_search_key_is_set() -> None:
    settings = Settings.build(redis_url="redis://localhost", search_key="a secret of some length")

    assert "bsg.index" in celery_settings(settings)["beat_schedule"]


def test_the_http_bound_lies_below_the_time_limits_and_those_below_the_visibility_timeout() -> None:
    slowest = Settings.build(
        redis_url="redis://localhost", bsg_connect_timeout=60, bsg_read_timeout=600, lease_seconds=3600
    )
    configuration = celery_settings(slowest)

    assert (
        slowest.account.max_request_seconds < configuration["task_soft_time_limit"] < configuration["task_time_limit"]
    )
    assert configuration["task_time_limit"] < configuration["broker_transport_options"]["visibility_timeout"] * 0.8


def test_a_wake_up_is_the_message_that_celery_itself_would_have_published(redis_url: str) -> None:
    settings = Settings.build(redis_url=redis_url)
    app = Celery(set_as_current=False)
    app.conf.update(celery_settings(settings))
    app.amqp.queues.add(Queue(QUEUE, routing_key=QUEUE))

    Wakeups(connect(settings)).notify(ACCOUNT)
    app.send_task(DISPATCH, [ACCOUNT], queue=QUEUE)
    app.close()

    ours, celerys = messages_in(redis_url, QUEUE)
    assert without_identity(ours) == without_identity(celerys)


def without_identity(message: dict[str, Any]) -> dict[str, Any]:
    """Return all of a message but what differs from one to the next, or names who published it."""
    headers, properties = message["headers"], message["properties"]
    assert headers["id"] == headers["root_id"] == properties["correlation_id"] != properties["delivery_tag"]
    differing = dict.fromkeys(("id", "root_id", "origin", "correlation_id", "delivery_tag", "reply_to"), "")
    return {
        **message,
        "headers": {**headers, **{name: differing[name] for name in headers.keys() & differing}},
        "properties": {**properties, **{name: differing[name] for name in properties.keys() & differing}},
    }


def test_notifying_imports_none_of_what_only_workers_need() -> None:
    code = "import sys, bsg_producer; print({'celery', 'kombu', 'requests', 'flower', 'bsg_worker'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"
