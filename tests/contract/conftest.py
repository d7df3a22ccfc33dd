from collections.abc import Iterator

import pytest

from bsg_sandbox.server import Sandbox
from tests.contract.document import missing_document


@pytest.fixture(scope="session")
def bsg_document() -> None:
    """Skip the test where BSG's document is not."""
    missing = missing_document()
    if missing is not None:
        pytest.skip(missing)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(stat_jobs_at_most=10_000, duplicates="allow", price_per_segment=0.0001) as running:
        yield running
