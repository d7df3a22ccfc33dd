"""Every key of the ledger is in one schema, and what a real campaign leaves in Redis is what the schema says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bsg_broker.liveness import LivenessPings
from bsg_broker.queues import STATUS_QUEUE, dispatch_queue
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger import schema
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.limiter import submit_limiter
from bsg_ledger.operator_log import Press
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.poll import poll
from bsg_worker.recovery.rekey import note_key
from bsg_worker.upkeep.funds_watch import watch_funds
from bsg_worker.upkeep.message_index import index_messages
from bsg_worker.upkeep.stop_list import sync_stop_list
from bsg_worker.upkeep.stops import stop_at_bsg
from bsg_worker.watch import check_once
from tests.worker.harness import WorkerHarness

ROOT = Path(__file__).parents[2]
LEDGER = ROOT / "ledger" / "bsg_ledger"
SHIPPED = sorted(ROOT.glob("*/bsg_*/**/*.py"))
BUILDERS = {LEDGER / "schema.py", LEDGER / "lua" / "shared" / "keys.lua"}
# The name of a source of suppressions, which is a value: BSG's stop list of an account.
VALUES = {(LEDGER / "suppressions.py", "source_at_bsg")}


def literals_of(path: Path) -> Iterator[str]:
    """Return the texts in a module that begin a key, without docstrings and the values that only look like one."""
    tree = ast.parse(path.read_text("utf-8"))
    values = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and (path, node.name) in VALUES]
    allowed = {id(inner) for node in values for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and str(node.value).startswith("bsg:") and id(node) not in allowed:
            yield str(node.value)


def test_nobody_builds_a_key_but_the_schema() -> None:
    by_hand = {path: found for path in SHIPPED if path not in BUILDERS and (found := list(literals_of(path)))}

    assert len(SHIPPED) > 200
    assert by_hand == {}


def test_no_script_builds_a_key_but_in_keys_lua() -> None:
    scripts = sorted(ROOT.glob("*/bsg_*/**/*.lua"))
    by_hand = [path.name for path in scripts if path not in BUILDERS and "'bsg:" in path.read_text("utf-8")]

    assert len(scripts) > 30
    assert by_hand == []


def test_the_scripts_build_the_keys_of_the_schema() -> None:
    built = re.findall(r"'(bsg:[^']*)'", (LEDGER / "lua" / "shared" / "keys.lua").read_text("utf-8"))
    patterns = [key.pattern for key in schema.KEYS]

    assert len(built) > 15
    for key in built:
        assert key in patterns or (key.endswith(":") and any(pattern.startswith(key) for pattern in patterns))


def test_nobody_uses_the_schema_but_the_ledger_and_the_client_for_its_token() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in SHIPPED
        if not path.is_relative_to(LEDGER) and re.search(r"bsg_ledger(\.| import )schema", path.read_text("utf-8"))
    }

    assert users == {"client/bsg_client/tokens.py"}


@pytest.mark.parametrize("key", schema.KEYS, ids=lambda key: key.pattern)
def test_a_key_is_of_one_kind_only(key: schema.Key) -> None:
    built = key(*("x1" for part in key.pattern.split(":") if part.isupper()))

    assert [kind.pattern for kind in schema.KEYS if kind.matches(built)] == [key.pattern]
    assert bool(key.fields) == (key.type == "hash")
    assert not key.may_expire or "Redis" in key.removed_by


@pytest.mark.parametrize("index", DueIndex)
def test_every_index_of_what_is_due_is_in_the_schema(index: DueIndex) -> None:
    assert schema.of(schema.due_index(index, "a1")) or schema.of(schema.due_index(index))


def test_a_key_without_one_of_its_chunks_is_not_built() -> None:
    with pytest.raises(IndexError):
        schema.BATCH("c1")


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="2", SEARCH_KEY="a secret of some length")


def everything_once(harness: WorkerHarness) -> None:
    """Campaigns that are sent, refused, in doubt, cancelled and not yet prepared, and what is kept of the account."""
    runtime, producer, ledger = harness.runtime, harness.producer, harness.runtime.ledger
    producer.suppress(["380660000001"])
    harness.sandbox.advance(60)
    sync_stop_list(runtime)
    sent = harness.submitted(3, max_cost="100")
    harness.make_due(DueIndex.LIVE)
    poll(runtime)
    producer.cancel(sent)
    stop_at_bsg(runtime)
    harness.unconfirmed(harness.prepared(1))
    harness.posting(harness.prepared(1))
    producer.enqueue([{"phone": "12", "text": "Hi"}, {"phone": "380661231231", "text": "Hi"}], sender="MyShop",
                     idempotency_key="order: 7")  # fmt: skip
    watch_funds(runtime)
    note_key(runtime)
    check_once(runtime)
    runtime.gate.shut(reason="operator", by="operator")
    submit_limiter(runtime.redis, runtime.settings.account).reserve()
    submit_limiter(runtime.redis, runtime.settings.account).cool_down(60)
    heartbeats = LivenessPings(runtime.redis).heartbeats
    heartbeats.note_tick("beat@here")
    heartbeats.note_worker("worker@here")
    heartbeats.note_response("token")
    index_messages(runtime)
    ledger.operator_log.note(Press("ann", "192.0.2.7", "pause", sent))
    ledger.durability.wait_for_disk()


def test_what_a_real_campaign_leaves_in_redis_is_in_the_schema(harness: WorkerHarness) -> None:
    everything_once(harness)
    client: Any = harness.runtime.redis  # redis-py types its replies as all that they might be

    seen = set()
    for key in map(bytes.decode, client.scan_iter(count=1000)):
        if key in (dispatch_queue(DEFAULT_ACCOUNT), STATUS_QUEUE):
            continue
        kind = schema.of(key)
        assert kind is not None, key
        stored = client.type(key).decode()
        assert stored == kind.type or (stored == "none" and kind.may_expire), key  # it may just have expired
        assert client.ttl(key) == -1 or kind.may_expire, key
        if kind.type == "hash":
            unknown = [name for name in map(bytes.decode, client.hkeys(key)) if not kind.has_field(name)]
            assert not unknown, key
        seen.add(kind.pattern)

    assert len(seen) >= 35
