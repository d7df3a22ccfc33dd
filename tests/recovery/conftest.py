from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.site import Site, site_in


@pytest.fixture(scope="package")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of its own, the sandbox and running processes, for tests that leave both able to go on."""
    with site_in(tmp_path_factory.mktemp("running"), BSG_RATE_LIMIT="5/s", BSG_RATE_BURST="1") as site:
        site.processes.all()
        yield site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server of the test's own with the sandbox, and no process yet."""
    with site_in(tmp_path) as site:
        yield site
