from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_testing import CampaignsEnvironment
from bsg_testing.redis_servers import Mode


@pytest.fixture(params=["embedded", "memory"])
def mode(request: pytest.FixtureRequest) -> Mode:
    mode: Mode = request.param
    return mode


@pytest.fixture
def environment(mode: Mode) -> Iterator[CampaignsEnvironment]:
    """The environment of a test in each of its modes: what holds in one holds in the other."""
    with CampaignsEnvironment(mode) as environment:
        yield environment
