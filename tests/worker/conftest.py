from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_sandbox.server import Sandbox
from tests.worker.harness import WorkerHarness


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox)
