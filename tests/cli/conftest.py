"""What several tests of a file share, as it takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_broker.liveness import LivenessPings
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_sandbox.server import Sandbox
from tests.processes import Processes
from tests.servers import AVAILABLE_KINDS, RedisServer


class Running:
    """A worker, a status worker and a beat on a server of their own, with BSG's sandbox."""

    def __init__(self, server: RedisServer, sandbox: Sandbox, processes: Processes) -> None:
        self.server = server
        self.sandbox = sandbox
        self.worker = processes.worker()
        self.status = processes.status()
        self.beat = processes.beat()
        for process in (self.worker, self.status, self.beat):
            process.wait_until_ready()
        self.liveness = LivenessPings(connect(Settings.build(redis_url=server.url)))


@pytest.fixture(scope="module")  # processes that only wait take processor time from other tests
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("running")
    with (
        RedisServer(directory / "redis", AVAILABLE_KINDS[0]) as server,
        Sandbox() as sandbox,
        Processes(directory / "logs", server.url, sandbox.url) as processes,
    ):
        yield Running(server, sandbox, processes)
