"""A fake Redis in this process: fakeredis, which runs the project's own scripts."""

from __future__ import annotations

import hashlib
from typing import Any

import redis
import redis.asyncio

from bsg_testing.redis_servers import RedisOfTests

try:
    import fakeredis
    import lupa  # noqa: F401 - with it, fakeredis runs scripts
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "mode='memory' needs fakeredis with Lua: pip install 'bsg-campaigns[testing]'", name=missing.name
    ) from None

# Redis has this library for scripts, and fakeredis has not. The project's scripts pack numbers in this one format.
_STRUCT = """local struct = { pack = function(format, ...)
  assert(format == '>I4I4', 'bsg_testing packs only >I4I4')
  local packed = ''
  for _, number in ipairs({ ... }) do
    for shift = 3, 0, -1 do packed = packed .. string.char(math.floor(number / 256 ^ shift) % 256) end
  end
  return packed
end }"""


class MemoryRedis(RedisOfTests):
    """All clients share one fake server. What is not in this process does not reach it."""

    url = "redis://memory.invalid:6379/0"
    settings = {"QUEUE_DURABILITY": "relaxed"}

    def __init__(self) -> None:
        self._server = fakeredis.FakeServer()
        self.control = self.client()

    def client(self, **arguments: Any) -> redis.Redis:
        return _Client(server=self._server, **arguments)

    def asyncio_client(self, **arguments: Any) -> redis.asyncio.Redis:
        return _AsyncioClient(server=self._server, **arguments)

    def stop(self) -> None:
        """Do nothing: the data ends with this process."""


class _Scripts:
    """Loads each script in the form that fakeredis runs, under the digest of its own text."""

    def __init__(self, *, server: fakeredis.FakeServer, **arguments: Any) -> None:
        self._fake_server = server
        super().__init__(server=server, **arguments)  # type: ignore[call-arg]

    def register_script(self, script: str) -> Any:
        self._load(script)
        return super().register_script(script)  # type: ignore[misc]

    def execute_command(self, *command: Any, **options: Any) -> Any:
        if command[0] == "EVAL":
            command = ("EVALSHA", self._load(command[1]), *command[2:])
        return super().execute_command(*command, **options)  # type: ignore[misc]

    def _load(self, script: str) -> str:
        digest = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        shebang, _, body = script.partition("\n")  # one line, so that errors name the same lines
        self._fake_server.script_cache[digest.encode()] = f"{_STRUCT.replace(chr(10), ' ')}\n{body}".encode()
        return digest


class _Client(_Scripts, fakeredis.FakeRedis):  # type: ignore[misc]  # redis-py's own mixins contradict each other
    pass


class _AsyncioClient(_Scripts, fakeredis.FakeAsyncRedis):  # type: ignore[misc]
    pass
