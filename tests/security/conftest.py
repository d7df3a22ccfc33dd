from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from bsg_sandbox.accounts import Account
from bsg_sandbox.server import Sandbox
from tests.certificates import CERTIFICATE, serving
from tests.scenarios.environment import ScenarioEnvironment
from tests.security.secrets import KEY, KEY_OF_SECOND, PASSWORD, QUOTED_PASSWORD
from tests.security.tls_proxy import TLSProxy
from tests.servers import RedisServer


@dataclass(frozen=True)
class GuardedRedis:
    """A Redis with a password, behind TLS with a certificate of its own."""

    server: RedisServer
    port: int

    def url(self, password: str = QUOTED_PASSWORD, *, trusted: bool = True) -> str:
        options = f"?ssl_ca_certs={quote(str(CERTIFICATE), safe='')}" if trusted else ""
        return f"rediss://:{password}@localhost:{self.port}/0{options}"


@pytest.fixture(scope="package")
def guarded_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedRedis]:
    directory = tmp_path_factory.mktemp("guarded")
    with RedisServer(directory / "redis") as server:
        with server.client() as client:
            client.config_set("requirepass", PASSWORD)
        with TLSProxy(server.port, serving()) as proxy:
            yield GuardedRedis(server, proxy.port)


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=[Account(KEY), Account(KEY_OF_SECOND)]) as running:
        yield running


@pytest.fixture(scope="package")
def scenario(
    guarded_redis: GuardedRedis, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScenarioEnvironment]:
    """Workers that log all they can, over TLS and with a password; nothing runs yet."""
    directory = tmp_path_factory.mktemp("scenario")
    settings = {"BSG_API_KEY": KEY, "BSG_API_KEY__SECOND": KEY_OF_SECOND, "CAMPAIGN_BATCH_SIZE": "5"}
    with ScenarioEnvironment(directory, guarded_redis.url(), sandbox, log_level="DEBUG", **settings) as scenario:
        yield scenario
