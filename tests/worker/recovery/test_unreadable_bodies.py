"""A ledger that went back has a batch that BODY_KEY cannot decrypt."""

from __future__ import annotations

from cryptography.fernet import Fernet

from bsg_sandbox.server import Sandbox
from bsg_worker.recovery.recover import recover
from tests.worker.harness import WorkerHarness

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_a_waiting_batch_that_cannot_be_decrypted_is_in_doubt_and_the_others_are_recovered(redis_url: str) -> None:
    with Sandbox() as sandbox:
        unreadable = WorkerHarness(redis_url, sandbox, BODY_KEY=OLD).prepared(1)
        harness = WorkerHarness(redis_url, sandbox, BODY_KEY=NEW)
        readable = harness.prepared(1)

        recovery = recover(harness.runtime, lambda _: None)

        assert recovery.gate_open
        assert recovery.clean == [harness.batch(readable).id]
        assert list(recovery.doubtful) == [harness.batch(unreadable).id]
        assert harness.batch(unreadable).state == "unconfirmed"
