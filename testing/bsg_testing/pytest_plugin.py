"""The pytest plugin: the fixture `campaigns`. It imports nothing of the project until a test needs that."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bsg_testing.environment import CampaignsEnvironment

MARKER = "campaigns"
MODE = "campaigns_mode"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        MODE,
        "embedded or memory: the mode of the fixture `campaigns`. If it is set, the environment of all tests, and of "
        "the modules that they import, leads to such a Redis and to the sandbox.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{MARKER}(mode, accounts, settings): CampaignsEnvironment's arguments for the fixture `campaigns`",
    )
    if mode := config.getini(MODE):
        from bsg_config.settings_invalid import SettingsInvalid
        from bsg_testing.environment import CampaignsEnvironment

        environment = CampaignsEnvironment(mode)
        try:
            environment.open()
        except (ValueError, SettingsInvalid, ModuleNotFoundError) as error:
            raise pytest.UsageError(f"{MODE} = {mode}: {error}") from error
        config.add_cleanup(environment.close)


@pytest.fixture
def campaigns(request: pytest.FixtureRequest) -> Iterator[CampaignsEnvironment]:
    """An empty Redis and the sandbox, to which the environment's settings lead, with an outbox and `drain`."""
    from bsg_testing.environment import CampaignsEnvironment

    arguments: dict[str, Any] = {"mode": request.config.getini(MODE) or "embedded"}
    for marker in reversed(list(request.node.iter_markers(MARKER))):
        arguments |= signature(CampaignsEnvironment).bind_partial(*marker.args, **marker.kwargs).arguments
    with CampaignsEnvironment(**arguments) as environment:
        yield environment
