from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test.utils import override_settings

from bsg_campaigns_django.models import Campaign, FeedPosition, Message, Outgoing
from bsg_sandbox.server import Sandbox
from tests.campaigns_django import databases
from tests.campaigns_django.harness import Project
from tests.campaigns_django.shop.models import Order, Seen
from tests.processes import QUICK
from tests.worker.harness import LONG_TIMEOUTS, WorkerHarness

KINDS = {"sqlite": databases.sqlite, "postgresql": databases.postgresql}
_MISSING = databases.why_no_postgresql()
_POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.skip(_MISSING) if _MISSING else ())


@pytest.fixture(scope="session", params=["sqlite", _POSTGRESQL])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with the project's tables; returns its kind."""
    with KINDS[request.param](tmp_path_factory.mktemp(request.param)) as settings:
        databases.use(settings)
        call_command("migrate", verbosity=0)
        call_command("migrate", verbosity=0, run_syncdb=True)  # the shop's tables, which refer to those
        yield request.param
        databases.use({"ENGINE": "django.db.backends.dummy"})


@pytest.fixture
def database(migrated: str) -> str:
    """An empty database; the test runs once on each kind that is installed."""
    # `flush` takes seconds on PostgreSQL.
    for model in (Message, Campaign, FeedPosition, Order, Outgoing, Seen, User):
        model.objects.all().delete()
    return migrated


@pytest.fixture
def project(redis_url: str, database: str) -> Iterator[Project]:
    """A project on that database and on an empty Redis, with a worker whose verbs the test calls one by one."""
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, **LONG_TIMEOUTS)
        with override_settings(BSG_CAMPAIGNS={**QUICK, "REDIS_URL": redis_url, "BSG_BASE_URL": sandbox.url}):
            yield Project(harness)
