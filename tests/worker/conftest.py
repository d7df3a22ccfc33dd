from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_sandbox.server import Sandbox
from tests.worker.bench import Bench


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    with Sandbox() as sandbox:
        yield Bench(redis_url, sandbox)
