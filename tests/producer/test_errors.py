from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from bsg_messages.errors import BSGCampaignsError, CampaignInvalid
from bsg_producer.errors import (
    CampaignNotFound,
    EnqueueUnconfirmed,
    IdempotencyConflict,
    QueueNotDurable,
    QueueUnavailable,
)


@pytest.mark.parametrize(
    "error",
    [
        CampaignInvalid({"sender": ["too long: shorten it"]}),
        CampaignNotFound("c1"),
        IdempotencyConflict("key", "c1"),
        QueueUnavailable("Redis is full: free memory"),
        QueueNotDurable("set appendfsync always"),
        EnqueueUnconfirmed("key"),
    ],
)
def test_an_error_can_be_caught_by_its_family_and_sent_between_processes(error: BSGCampaignsError) -> None:
    copy = pickle.loads(pickle.dumps(error))

    assert isinstance(error, BSGCampaignsError)
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))
    assert len(str(error)) > 15


def test_an_unconfirmed_enqueue_carries_the_key_that_makes_trying_again_safe() -> None:
    assert EnqueueUnconfirmed("key-7").idempotency_key == "key-7"
    assert "key-7" in str(EnqueueUnconfirmed("key-7"))


@pytest.mark.parametrize("module", ["errors", "digest"])
def test_importing_what_enqueues_brings_in_neither_requests_nor_flower_nor_the_worker(module: str) -> None:
    code = f"import sys, bsg_producer.{module}; print({{'requests', 'flower', 'bsg_worker'}} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"
