"""A campaign through every fault, with workers at DEBUG: no phone, text, key or password where others look."""

from __future__ import annotations

import base64
import json
import pickle
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
from flower import urls as flower_urls
from kombu.connection import Connection

from bsg_broker.queues import dispatch_queue
from bsg_broker.transport import broker_url
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_worker.runtime import build
from tests.processes import Processes, wait_until
from tests.scenarios.environment import ScenarioEnvironment
from tests.security.conftest import GuardedRedis
from tests.security.secrets import TEMPLATE, messages, secrets_in
from tests.servers import free_port
from tests.worker.harness import prepare_next

ROOT = Path(__file__).parents[2]

FAULTS: list[dict[str, Any]] = [
    {"kind": "token_expired"},
    {"kind": "throttle", "retry_after": 0},
    {"kind": "server_error_before"},
    {"kind": "server_error_after"},
    {"kind": "cut_before", "after_bytes": 10},
    {"kind": "cut_after"},
    {"kind": "garbage_after"},
    {"kind": "http_200_error"},
    {"kind": "rows_refused", "rows": [0]},
    {"kind": "redirect"},
]
MAX_PAGES = 500
LINK = re.compile(r'(?:href|action)="(/[^"#]*)"')


def send(scenario: ScenarioEnvironment, count: int = 12, *, account: str = DEFAULT_ACCOUNT) -> str:
    return scenario.producer.enqueue(messages(count), sender="MyShop", text=TEMPLATE, account=account).campaign_id


def queue_contents(client: redis.Redis) -> str:
    """Everything of Celery's and kombu's in that Redis: whatever is not the ledger's or the limiter's."""
    found: list[str] = []
    for key in client.scan_iter():
        if key.startswith(b"bsg:") and key.decode() != dispatch_queue(DEFAULT_ACCOUNT):
            continue
        kind = client.type(key)
        if kind == b"list":
            values: Any = client.lrange(key, 0, -1)
        elif kind == b"hash":
            values = client.hgetall(key).items()
        elif kind == b"zset":
            values = client.zrange(key, 0, -1)
        else:
            values = client.smembers(key) if kind == b"set" else [client.get(key)]
        for value in values:
            text = str(value)
            found.append(f"{key!r}: {text}")
            if kind == b"list":
                body = json.loads(value)["body"]
                found.append(base64.b64decode(body).decode())
    return "\n".join(found)


class Flower:
    def __init__(self, scenario: ScenarioEnvironment, directory: Path) -> None:
        self.port = free_port()
        self.log = directory / "flower.log"
        environment = {**scenario.processes.settings, "FLOWER_UNAUTHENTICATED_API": "true", "PATH": "/usr/bin:/bin"}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "celery",
                    "-A",
                    "bsg_monitor",
                    "flower",
                    f"--port={self.port}",
                    "--logging=DEBUG",
                ],
                env=environment,
                cwd=directory,
                stdout=output,
                stderr=output,
            )

    def page(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()

    def crawl(self, *others: str) -> dict[str, str]:
        """Return every page and endpoint that can be read: what Flower has without arguments, and whatever those lead
        to."""
        plain = (str(route[0] if isinstance(route, tuple) else route.regex.pattern) for route in flower_urls.handlers)
        waiting = [path.rstrip("$/?") or "/" for path in plain if not set("(*+") & set(path)]
        waiting += ["/campaigns", "/workers?json=1", "/api/workers?refresh=1", *others]
        pages: dict[str, str] = {}
        while waiting:
            path = waiting.pop()
            if path not in pages:
                assert len(pages) < MAX_PAGES
                pages[path] = self.page(path)
                waiting += [unescape(link) for link in LINK.findall(pages[path]) if "/static/" not in link]
        return pages

    def tasks(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.page("/api/tasks"))
        return found


@pytest.fixture(scope="module")
def waiting(scenario: ScenarioEnvironment, guarded_redis: GuardedRedis) -> str:
    """What stands in the queue while nobody works."""
    send(scenario)
    with connect(Settings.build(redis_url=guarded_redis.url())) as client:
        return queue_contents(client)


@pytest.fixture(scope="module")
def flower(scenario: ScenarioEnvironment, waiting: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flower]:
    flower = Flower(scenario, tmp_path_factory.mktemp("flower"))
    try:
        wait_until(lambda: "Visit me" in flower.log.read_text(), within=30, what="Flower")
        yield flower
    finally:
        flower.process.terminate()
        flower.process.wait(15)


@pytest.fixture(scope="module")
def campaigns(scenario: ScenarioEnvironment, flower: Flower) -> list[str]:
    """Campaigns that went through every fault."""
    for number, fault in enumerate(FAULTS, start=1):
        # With a success between them, as five doubts in a row would shut the gate.
        scenario.sandbox.fault(**fault, requests=[2 * number])
    scenario.processes.all()
    found = [send(scenario, account=account) for account in (DEFAULT_ACCOUNT, "second") for _ in range(4)]
    faults = len(FAULTS)
    wait_until(
        lambda: sum(fault["happened"] for fault in scenario.sandbox.faults()) >= faults, within=20, what="every fault"
    )
    return found


def test_the_queue_has_ids_only(waiting: str) -> None:
    assert "bsg.dispatch" in waiting
    assert secrets_in(waiting) == []


def test_the_logs_at_debug_have_none(campaigns: list[str], scenario: ScenarioEnvironment) -> None:
    # A task's outcome is written at its end, which comes after what the sandbox did to it.
    wait_until(lambda: "HTTP 500" in scenario.processes.logs(), within=20, what="the outcome")
    logs = scenario.processes.logs()

    assert campaigns[0] in logs
    assert secrets_in(logs) == []


def test_flower_shows_none(campaigns: list[str], flower: Flower) -> None:
    wait_until(lambda: any("HTTP 500" in str(task) for task in flower.tasks().values()), within=20, what="the tasks")
    workers = json.loads(flower.page("/api/workers?refresh=1"))
    tasks = flower.tasks()
    one_of_each = {task["name"]: uuid for uuid, task in tasks.items()}
    pages = flower.crawl(*(f"/task/{uuid}" for uuid in one_of_each.values()))

    shown = "\n".join(pages.values())

    assert {f"/worker/{quote(name, safe='')}" for name in workers} <= set(pages)
    assert {f"/campaigns/{campaign}" for campaign in campaigns} <= set(pages)
    assert any("refused_by_bsg" in page for page in pages.values())  # a reject, of which only the code is shown
    assert "broker_url" in shown
    assert secrets_in(shown + flower.log.read_text()) == []


def test_process_arguments_have_none(
    campaigns: list[str], scenario: ScenarioEnvironment, flower: Flower, guarded_redis: GuardedRedis
) -> None:
    ours = [process.process.pid for process in scenario.processes.running]
    ours += [flower.process.pid, guarded_redis.server.process_id]
    lines = [Path(f"/proc/{number}/cmdline").read_bytes().decode() for number in ours]

    assert any("bsg_worker" in line for line in lines)
    assert secrets_in("\n".join(lines)) == []


def test_a_pickle_is_refused_and_never_opened(
    campaigns: list[str], scenario: ScenarioEnvironment, tmp_path: Path
) -> None:
    opened = tmp_path / "opened"
    publish_pickle(scenario, opened)

    wait_until(lambda: "ContentDisallowed" in scenario.processes.logs(), within=10, what="the refusal")
    campaign = send(scenario, 3)

    wait_until(lambda: scenario.count(campaign, "unprepared") == 0, within=20, what="the worker to go on")
    assert all(process.alive for process in scenario.processes.running)
    assert not opened.exists()


def test_a_failure_that_quotes_what_it_was_about_is_reported_by_its_kind(
    scenario: ScenarioEnvironment, campaigns: list[str], flower: Flower, tmp_path: Path
) -> None:
    scenario.producer.shut_gate()
    prepared = send(scenario, 3)
    prepare_next(build(Settings.from_environment(scenario.processes.settings)), prepared)
    for process in scenario.processes.running:
        process.kill()
    settings = {**scenario.processes.settings, "PYTHONPATH": str(ROOT)}
    failing = Processes(
        tmp_path, scenario.redis_url, scenario.sandbox.url, application="tests.security.failing_worker", **settings
    )
    with failing:
        failing.worker().wait_until_ready()
        scenario.producer.open_gate()
        scenario.producer.resume(prepared)  # which wakes a worker
        send(scenario, 3)
        wait_until(lambda: "prepared: ValueError" in failing.logs(), within=20, what="a failed preparation")
        wait_until(lambda: "cannot be read: RuntimeError" in failing.logs(), within=20, what="a failed submission")
        message = "cannot be read: RuntimeError"
        wait_until(lambda: message in str(flower.tasks()), within=20, what="Flower to know of it")

        assert secrets_in(failing.logs() + str(flower.tasks())) == []


class Opened:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def publish_pickle(scenario: ScenarioEnvironment, opened: Path) -> None:
    body = pickle.dumps([[Opened(opened)], {}, {}])
    with Connection(broker_url(Settings.build(redis_url=scenario.redis_url))) as connection:
        connection.Producer().publish(
            body,
            routing_key=dispatch_queue(DEFAULT_ACCOUNT),
            content_type="application/x-python-serialize",
            content_encoding="binary",
            headers={"task": "bsg.dispatch", "id": "by-hand", "lang": "py"},
        )
