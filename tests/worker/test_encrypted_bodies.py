"""With BODY_KEY, Redis has no message in the clear; a worker without the right key sends and loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from bsg_ledger.due_indexes import DueIndex
from bsg_messages.body_cipher import BodyCipher
from bsg_sandbox.server import Sandbox
from bsg_worker.reconcile.reconcile import reconcile
from tests.scenarios.environment import messages
from tests.worker.harness import WorkerHarness, prepare_next

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
ZSTD = b"\x28\xb5\x2f\xfd"


def stored(harness: WorkerHarness) -> list[bytes]:
    """Return what Redis keeps of messages: chunks and batches."""
    client: Any = harness.runtime.redis
    bodies: list[bytes] = []
    for key in client.keys("bsg:campaign:*:messages"):
        bodies += client.hvals(key) if client.type(key) == b"hash" else [client.get(key)]
    return bodies


def test_chunks_and_batches_are_encrypted_and_sent(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BODY_KEY=NEW)
        campaign = harness.producer.enqueue(messages(3), sender="MyShop").campaign_id
        (chunk,) = stored(harness)
        harness.prepare(campaign)
        (batch,) = stored(harness)
        harness.dispatch()

        assert not chunk.startswith(ZSTD)
        assert not batch.startswith(ZSTD)
        assert BodyCipher([NEW]).decrypt(batch).startswith(ZSTD)
        assert harness.status(campaign).counts["submitted"] == 3
        assert len(sandbox.record().recipients) == 3


def test_what_is_left_of_a_batch_is_encrypted_too(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BODY_KEY=NEW)
        campaign = harness.prepared(3)
        sandbox.fault("rows_refused", rows=[1], times=1)
        harness.dispatch()

        (batch,) = stored(harness)
        assert not batch.startswith(ZSTD)
        assert harness.status(campaign).counts["submitted"] == 2


def test_a_batch_in_doubt_that_cannot_be_decrypted_leaves_the_others_to_be_found(redis_url: str) -> None:
    with Sandbox() as sandbox:
        without = WorkerHarness(redis_url, sandbox, BODY_KEY=OLD)
        unreadable = without.prepared(1)
        without.unconfirmed(unreadable)
        harness = WorkerHarness(redis_url, sandbox, BODY_KEY=NEW)
        sandbox.fault("cut_after", times=1)
        readable = harness.prepared(1)
        harness.dispatch()
        harness.make_due(DueIndex.DOUBT)

        outcome = reconcile(harness.runtime)

        assert "BODY_KEY does not have" in outcome
        assert harness.batch(readable).state == "submitted"
        assert harness.batch(unreadable).state == "unconfirmed"


def test_a_batch_that_cannot_be_decrypted_leaves_the_others_to_be_polled(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        without = WorkerHarness(redis_url, sandbox, BODY_KEY=OLD)
        sandbox.fault("drop", rows=[0], times=1)
        unreadable = without.submitted(2)
        harness = WorkerHarness(redis_url, sandbox, BODY_KEY=NEW)
        sandbox.fault("drop", rows=[0], times=1)
        readable = harness.submitted(2)
        sandbox.advance(60)

        harness.poll_twice(monkeypatch)

        assert harness.status(readable).counts["rejected"] == 1
        assert harness.status(unreadable).counts == {**harness.status(unreadable).counts, "submitted": 2, "rejected": 0}


def test_a_worker_without_the_key_holds_chunks_and_batches_until_it_has_it(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BODY_KEY=NEW, CAMPAIGN_BATCH_SIZE="1")
        without = WorkerHarness(redis_url, sandbox, BODY_KEY=OLD)
        campaign = harness.producer.enqueue(messages(2), sender="MyShop").campaign_id
        prepare_next(harness.runtime, campaign)

        chunk = prepare_next(without.runtime, campaign)
        batch = without.dispatch()

        assert chunk == "deferred 60 s: encrypted with a key that BODY_KEY does not have here"
        assert batch == f"{campaign}-0 deferred 60.0 s: encrypted with a key that BODY_KEY does not have here"
        counts = harness.status(campaign).counts
        assert (counts["pending"], counts["unprepared"], counts["rejected"]) == (1, 1, 0)
        assert sandbox.record().messages == 0

        both = WorkerHarness(redis_url, sandbox, BODY_KEY=f"{OLD},{NEW}")
        both.make_due(DueIndex.DUE)
        both.prepare_and_submit(campaign)
        assert both.status(campaign).counts["submitted"] == 2


def test_a_campaign_of_before_there_was_a_key_is_sent(redis_url: str) -> None:
    with Sandbox() as sandbox:
        WorkerHarness(redis_url, sandbox).prepared(2)

        WorkerHarness(redis_url, sandbox, BODY_KEY=NEW).dispatch()

        assert sandbox.record().messages == 2
