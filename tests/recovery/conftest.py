from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.environment import RecoveryEnvironment, environment_in


@pytest.fixture(scope="package")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecoveryEnvironment]:
    """A server of its own, the sandbox and running processes, for tests that leave both able to go on."""
    with environment_in(tmp_path_factory.mktemp("running"), BSG_RATE_LIMIT="5/s", BSG_RATE_BURST="1") as environment:
        environment.processes.all()
        yield environment


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[RecoveryEnvironment]:
    """A server of the test's own with the sandbox, and no process yet."""
    with environment_in(tmp_path) as environment:
        yield environment
