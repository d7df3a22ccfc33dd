"""Every effect is seen before and after it, by its name; and a process dies at one only where that is asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from bsg_config import clock
from bsg_ledger.scripts import Scripts
from bsg_sandbox.server import Sandbox
from bsg_worker.submit.dispatch import dispatch_work
from tests.failpoints.arming import Deaths, arm, armed, keep_seen, seen
from tests.failpoints.doors import watch, watched
from tests.scenarios.environment import messages
from tests.worker.harness import WorkerHarness

PROGRAM = "from tests.failpoints.arming import install; install(); from bsg_config import clock; clock.sleep(0)"


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox)


def points_of(happens: Callable[[], object]) -> list[str]:
    points: list[str] = []
    with watched(points.append):
        happens()
    return points


def afters(points: list[str]) -> list[str]:
    return [point.removeprefix("after ") for point in points if point.startswith("after ")]


def test_a_batch_on_its_way_has_these_effects_in_this_order(harness: WorkerHarness) -> None:
    enqueued = points_of(lambda: harness.producer.enqueue(messages(3), sender="MyShop"))

    sent = points_of(lambda: dispatch_work(harness.runtime))

    assert enqueued == ["before script accept", "after script accept"]
    to_the_record = afters(sent)[: afters(sent).index("redis HINCRBYFLOAT measured") + 1]
    # Whether BSG's zone is learnt depends on how long the request took.
    left_out = ("token", "login", "zone")
    assert [effect for effect in to_the_record if not any(word in effect for word in left_out)] == [
        "script dispatch: prepare",
        "script prepared",
        "script dispatch: send",
        "sleep",
        "POST send-individual",
        "script taken",
        "script dispatch (nothing)",
        "redis HINCRBYFLOAT measured",
    ]


def test_each_effect_is_seen_before_and_after_it(harness: WorkerHarness) -> None:
    harness.producer.enqueue(messages(3), sender="MyShop")

    # What is dispatched is known only behind it.
    points = [
        point.partition(": ")[0] if "dispatch" in point else point.removesuffix(" (nothing)")
        for point in points_of(lambda: dispatch_work(harness.runtime))
    ]

    effects = [effect.removesuffix(" (nothing)") for effect in afters(points)]
    assert [point.removesuffix(" (nothing)") for point in points] == [
        f"{when} {effect}" for effect in effects for when in ("before", "after")
    ]


def test_a_script_that_finds_nothing_is_distinguished_from_one_that_does(harness: WorkerHarness) -> None:
    scripts = Scripts(harness.runtime.redis)

    points = points_of(lambda: scripts.run("due", "", "deadlines", 1, 0))
    campaign = harness.producer.enqueue(messages(3), sender="MyShop").campaign_id
    harness.runtime.redis.zadd("bsg:deadlines", {campaign: 1})
    found = points_of(lambda: scripts.run("due", "", "deadlines", 1, 0))

    assert afters(points) == ["script due: deadlines (nothing)"]
    assert afters(found) == ["script due: deadlines"]


def test_what_others_do_in_redis_is_not_the_products(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)

    assert points_of(lambda: client.set("bsg:key", "value")) == []


def test_a_call_that_fails_is_seen_after_it_too(harness: WorkerHarness) -> None:
    harness.runtime.redis.set("bsg:deadlines", "no index")
    points: list[str] = []

    with watched(points.append), pytest.raises(redis.exceptions.ResponseError):
        Scripts(harness.runtime.redis).run("due", "", "deadlines", 1, 0)

    assert points == ["before script due: deadlines", "after script due: deadlines"]


def test_nothing_is_watched_any_more_once_it_has_ended() -> None:
    points: list[str] = []
    undo = watch(points.append)
    clock.sleep(0)
    undo()
    clock.sleep(0)

    assert points == ["before sleep", "after sleep"]


def test_the_first_process_to_come_by_dies_and_the_next_one_passes(tmp_path: Path) -> None:
    environment = {**os.environ, "FAILPOINTS": str(arm(tmp_path, "after sleep"))}

    codes = [subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=False).returncode for _ in range(2)]

    assert codes == [-signal.SIGKILL, 0]


def test_a_point_may_be_distinguished_from_others_by_the_effect_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills: list[object] = []
    monkeypatch.setattr(os, "kill", lambda *arguments: kills.append(arguments))
    deaths = Deaths(arm(tmp_path, "after sleep (after script dispatch: send)"))

    for point in ("after script dispatch: prepare", "after sleep", "after script dispatch: send", "before sleep"):
        deaths.pass_by(point)
    assert kills == []
    deaths.pass_by("after sleep")

    assert kills == [(os.getpid(), signal.SIGKILL)]
    assert armed(tmp_path) == set()


def test_a_process_that_is_not_asked_to_die_lives_and_takes_no_point_away(tmp_path: Path) -> None:
    arm(tmp_path, "after sleep")
    environment = {name: value for name, value in os.environ.items() if name != "FAILPOINTS"}

    died = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=False)

    assert died.returncode == 0
    assert armed(tmp_path) == {"after sleep"}


def test_what_a_process_passes_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    keep_seen(tmp_path)

    subprocess.run([sys.executable, "-c", PROGRAM], env={**os.environ, "FAILPOINTS": str(tmp_path)}, check=True)

    assert seen(tmp_path) == {"before sleep", "after sleep"}
