"""The environment of a test: a Redis, the sandbox, the settings that lead to both, and time that moves."""

from __future__ import annotations

import atexit
import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_messages.body_cipher import BodyCipher
from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from bsg_testing import assertions
from bsg_testing.drain import drain
from bsg_testing.moved_time import MovedTime
from bsg_testing.outbox import Outbox, OutboxMessage, read_outbox
from bsg_testing.redis_servers import EmbeddedRedis, Mode, RedisOfTests
from bsg_testing.replaced_settings import replace_settings
from bsg_worker.accounts import Accounts

if TYPE_CHECKING:
    from bsg_producer import AsyncProducer

DRAINS_WITHIN = timedelta(hours=1)


class CampaignsEnvironment:
    """All that an app needs to send, for one test. Use it in `with`; the fixture `campaigns` of pytest is one.

    While it is open, every producer that is made leads to an empty Redis of its own, and everything that is sent to the
    sandbox, whatever the environment and the app's configuration say. `mode`: "embedded" is the embedded server,
    "memory" a fake in this process. `accounts` are the names of further accounts, beside those that have keys: no real
    key is used. `settings` have precedence over those of the environment and of the app.

    The Redis, the sandbox and their addresses are the same for all tests of a process, so an app may keep a producer.

    >>> with CampaignsEnvironment() as campaigns:
    ...     receipt = campaigns.producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")
    ...     campaigns.drain()
    ...     print(campaigns.producer.status(receipt.campaign_id).state, campaigns.sandbox.summary().messages)
    done 1
    """

    def __init__(
        self,
        mode: Mode = "embedded",
        *,
        accounts: Iterable[str] = (),
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self._mode: Mode = mode
        self._accounts = tuple(accounts)
        self._settings = dict(settings or {})
        self._closing = ExitStack()
        self._workers: Accounts | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Begin with an empty Redis and an empty sandbox, at the real time. The context does this.

        Raise ValueError for a wrong mode, and SettingsInvalid for wrong settings.

        >>> campaigns = CampaignsEnvironment("memory")
        >>> campaigns.open()
        >>> campaigns.close()
        """
        services = _services(self._mode)
        services.reset()
        with ExitStack() as opened:
            opened.enter_context(services.time.running())
            opened.enter_context(services.redis.connected(services.time.moved_reply))
            opened.enter_context(replace_settings(services.redis, services.sandbox, self._accounts, self._settings))
            self._time, self._redis = services.time, services.redis
            self.sandbox = services.sandbox
            self.producer = Producer()
            settings = Settings.from_environment()
            self._ledger = Ledger(connect(settings))
            self._cipher = BodyCipher(settings.body_key)
            self._closing = opened.pop_all()

    def close(self) -> None:
        """Restore the environment variables and the clocks. The context does this.

        >>> CampaignsEnvironment("memory").close()  # it was not open
        """
        self._workers = None
        self._closing.close()

    def async_producer(self) -> AsyncProducer:
        """Return a new AsyncProducer. Use it in `async with`, in the event loop that is to use it.

        >>> async def suppress(campaigns):
        ...     async with campaigns.async_producer() as producer:
        ...         return await producer.suppress([380661231231])
        >>> with CampaignsEnvironment("memory") as campaigns:
        ...     print(asyncio.run(suppress(campaigns)))
        1
        """
        from bsg_producer import AsyncProducer  # needs greenlet

        return AsyncProducer()

    @property
    def outbox(self) -> Outbox:
        """Return every message that was sent or would be sent, rendered. Nothing has to be drained before.

        >>> with CampaignsEnvironment("memory") as campaigns:
        ...     orders = campaigns.producer.stream("orders", sender="MyShop", text="Hi {{ name }}")
        ...     receipt = orders.send({"phone": "+380 66 123-12-31", "name": "Olena"})
        ...     print([(message.phone, message.text, message.state) for message in campaigns.outbox])
        [('380661231231', 'Hi Olena', 'pending')]
        """
        return read_outbox(self._ledger, self._cipher)

    def assert_sent(
        self,
        *,
        to: str | int | None = None,
        text: str | re.Pattern[str] | None = None,
        sender: str | None = None,
        times: int | None = None,
    ) -> list[OutboxMessage]:
        """Return the messages of the outbox that match. Raise AssertionError if there are none, or not `times`.

        A pattern may match anywhere in a text.

        >>> with CampaignsEnvironment("memory") as campaigns:
        ...     receipt = campaigns.producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")
        ...     campaigns.assert_sent(to="+380 66 123-12-31", text="Bye!")
        Traceback (most recent call last):
        AssertionError: expected a message (to '+380 66 123-12-31', text 'Bye!'), found 0
        Sent, or to be sent:
          380661231231  'Hello!'  from MyShop, unprepared, campaign ...
        """
        __tracebackhide__ = True
        return assertions.assert_sent(self.outbox, to=to, text=text, sender=sender, times=times)

    def assert_nothing_sent(self) -> None:
        """Raise AssertionError if there is a message in the outbox.

        >>> with CampaignsEnvironment("memory") as campaigns:
        ...     campaigns.assert_nothing_sent()
        """
        __tracebackhide__ = True
        assertions.assert_nothing_sent(self.outbox)

    def redis_down(self) -> AbstractContextManager[None]:
        """Let Redis be unreachable for the project within `with`.

        >>> with CampaignsEnvironment("memory") as campaigns, campaigns.redis_down():
        ...     campaigns.producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")
        Traceback (most recent call last):
        bsg_producer.errors.QueueUnavailable: ...
        """
        return self._redis.down()

    def now(self) -> datetime:
        """Return the time that the project, Redis and the sandbox show.

        >>> with CampaignsEnvironment("memory") as campaigns:
        ...     print(campaigns.now().tzinfo)
        UTC
        """
        return self._time.now()

    def advance(self, by: timedelta | float) -> None:
        """Move that time forward, by a timedelta or by seconds. Raise ValueError for a negative one.

        Nothing is done meanwhile: `drain` does what has become due.

        >>> with CampaignsEnvironment("memory") as campaigns:
        ...     before = campaigns.now()
        ...     campaigns.advance(timedelta(hours=3))
        ...     print(campaigns.now() - before >= timedelta(hours=3))
        True
        """
        self._time.advance(by.total_seconds() if isinstance(by, timedelta) else by)

    def advance_to(self, time: datetime) -> None:
        """Move that time forward to a datetime with a zone. Raise ValueError for an earlier one.

        >>> with CampaignsEnvironment("memory") as campaigns:
        ...     campaigns.advance_to(datetime(2001, 1, 1, tzinfo=UTC))
        Traceback (most recent call last):
        ValueError: the clock of the sandbox only goes forward
        """
        self.advance(time - self.now())

    def drain(self, *, within: timedelta = DRAINS_WITHIN) -> None:
        """Do in this process what workers do, until nothing is left to do. No Celery, and no waiting.

        Messages are prepared and sent to the sandbox, doubts are looked up, and statuses are polled. The time moves as
        far as that needs, by `within` at most. What is paused, or needs an operator, is left.

        >>> with CampaignsEnvironment("memory") as campaigns:
        ...     receipt = campaigns.producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")
        ...     number = campaigns.sandbox.fail_next("502_after")
        ...     campaigns.drain()
        ...     summary = campaigns.sandbox.summary()
        ...     print(campaigns.producer.status(receipt.campaign_id).state, summary.messages, summary.repeated_messages)
        done 1 0
        """
        if self._workers is None:
            self._workers = Accounts.of(Settings.from_environment())
        drain(self._workers, self._time, within.total_seconds())


@dataclass(frozen=True, slots=True)
class _Services:
    """What all tests of a process share."""

    redis: RedisOfTests
    sandbox: Sandbox
    time: MovedTime

    def reset(self) -> None:
        """Empty Redis and the sandbox, and show the real time."""
        self.redis.control.flushall()
        self.sandbox.reset(clock=True)
        self.time.reset()

    def stop(self) -> None:
        self.sandbox.stop()
        self.redis.stop()


@cache
def _services(mode: Mode) -> _Services:
    server = _started_redis(mode)
    sandbox = Sandbox()
    sandbox.start()
    services = _Services(server, sandbox, MovedTime(server.control, sandbox))
    atexit.register(services.stop)
    return services


def _started_redis(mode: Mode) -> RedisOfTests:
    match mode:
        case "embedded":
            return EmbeddedRedis()
        case "memory":
            from bsg_testing.memory_redis import MemoryRedis  # needs fakeredis

            return MemoryRedis()
    raise ValueError(f"mode must be embedded or memory, not {mode!r}")
