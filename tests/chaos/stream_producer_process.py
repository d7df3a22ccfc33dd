"""A web app whose threads send through streams: `python -m tests.chaos.stream_producer_process DIRECTORY SEED NUMBER`.

It goes on from its journal when it is started again after a kill, and ends when the file `finish` appears in the
directory and nothing of its own is unanswered. With FAILPOINTS in its environment, it dies there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from bsg_producer import (
    EnqueueUnconfirmed,
    IdempotencyConflict,
    MessageInvalid,
    Producer,
    QueueNotDurable,
    QueueUnavailable,
    Stream,
)
from tests.chaos.journal import Journal, enqueued
from tests.chaos.messages import ChaosMessage, OpenStreams
from tests.chaos.producer_process import FINISH, RETRY_SECONDS, journal_path
from tests.failpoints.arming import install

THREADS = 3
PAUSE_SECONDS = (0.01, 0.3)
MANY_SHARE, LARGEST_CALL = 0.05, 20
REPEATED_SHARE = 0.1

REDIS_FAILED = (QueueUnavailable, QueueNotDurable, EnqueueUnconfirmed)


class SendingThread(threading.Thread):
    """One of the threads, which share the web app. Its messages have every `THREADS`th number."""

    def __init__(
        self, web_app: Producer, streams: OpenStreams, directory: Path, seed: int, producer: int, thread: int
    ) -> None:
        super().__init__()
        self._web_app = web_app
        self._streams = streams
        self._journal = Journal(journal_path(directory, producer))
        self._seed = seed
        self._producer = producer
        self._finish = directory / FINISH
        tried = enqueued(self._journal.entries())
        self._mine = {number: each for number, each in tried.items() if number % THREADS == thread}
        self._next = max(self._mine, default=thread - THREADS) + THREADS
        self._receipts = {number: each.receipt for number, each in self._mine.items() if each.receipt}
        self._chance = Random(f"{seed}: pauses of {producer} {thread} from {self._next}")

    def run(self) -> None:
        try:
            for each in [each for each in self._mine.values() if each.is_open]:
                self._send_until_known(self._message(each.number), after_failure=True)
            while not self._finish.exists():
                self._do_something()
                time.sleep(self._chance.uniform(*PAUSE_SECONDS))
        except BaseException:  # an exception that is not documented is a finding, and the process is started again
            traceback.print_exc()
            os._exit(1)

    def _do_something(self) -> None:
        if self._receipts and self._chance.random() < REPEATED_SHARE:
            self._repeat(self._chance.choice(list(self._receipts)))
        if self._chance.random() < MANY_SHARE:
            self._send_many([self._new() for _ in range(self._chance.randint(2, LARGEST_CALL))])
        else:
            self._send_until_known(self._new())

    def _new(self) -> ChaosMessage:
        number = self._next
        self._next += THREADS
        return self._message(number)

    def _message(self, number: int) -> ChaosMessage:
        return ChaosMessage.drawn(self._seed, self._producer, number)

    def _stream(self, message: ChaosMessage) -> Stream:
        return self._streams.of(message, time.time())

    def _send_until_known(self, message: ChaosMessage, *, after_failure: bool = False) -> None:
        """Try until there is a receipt, or the message is refused; some web apps give up after the first failure."""
        if message.second_thoughts == "suppress first":
            self._suppress(message)
        while True:
            if after_failure and message.second_thoughts == "give up":
                self._journal.note(message.number, "given up")
                return
            if self._try(message):
                return
            after_failure = True
            time.sleep(self._chance.uniform(*RETRY_SECONDS))

    def _try(self, message: ChaosMessage) -> bool:
        self._journal.note(message.number, "trying")
        try:
            receipt = self._stream(message).send(message.content(), idempotency_key=message.key)
        except (QueueUnavailable, QueueNotDurable) as error:
            self._journal.note(message.number, "unavailable", str(error))
            return False
        except EnqueueUnconfirmed:
            self._journal.note(message.number, "unconfirmed")
            return False
        except MessageInvalid as invalid:
            self._journal.note(message.number, "refused", invalid.code.value)
            return True
        except Exception as error:
            self._journal.note(message.number, "failed", f"{type(error).__name__}: {error}")
            raise
        self._accepted(message, receipt.message_id)
        return True

    def _accepted(self, message: ChaosMessage, message_id: str) -> None:
        self._journal.note(message.number, "receipt", message_id)
        self._receipts[message.number] = message_id
        if message.second_thoughts == "suppress":
            with suppress(*REDIS_FAILED):
                self._web_app.suppress([message.phone])

    def _suppress(self, message: ChaosMessage) -> None:
        while True:
            with suppress(*REDIS_FAILED):
                self._web_app.suppress([message.phone])
                return
            time.sleep(self._chance.uniform(*RETRY_SECONDS))

    def _send_many(self, messages: list[ChaosMessage]) -> None:
        """Send them by one call; those without a receipt when it has failed are sent one by one."""
        messages = [each for each in messages if each.stream == messages[0].stream]
        for message in messages:
            if message.second_thoughts == "suppress first":
                self._suppress(message)
        try:
            receipts = self._stream(messages[0]).send_many(self._noted(messages))
            for message, receipt in zip(messages, receipts, strict=False):
                self._accepted(message, receipt.message_id)
        except (*REDIS_FAILED, MessageInvalid):
            pass
        except Exception as error:
            self._journal.note(messages[0].number, "failed", f"{type(error).__name__}: {error}")
            raise
        for message in messages:
            if message.number not in self._receipts:
                self._send_until_known(message, after_failure=True)

    def _noted(self, messages: list[ChaosMessage]) -> Iterator[tuple[Mapping[str, Any], str]]:
        for message in messages:
            self._journal.note(message.number, "trying")
            yield message.content(), message.key

    def _repeat(self, number: int) -> None:
        """What has a receipt is sent again: the same is a duplicate, and other content a conflict."""
        message, receipt = self._message(number), self._receipts[number]
        other = self._chance.random() < 0.3
        try:
            again = self._stream(message).send(
                message.other_content() if other else message.content(), idempotency_key=message.key
            )
            right = not other and again.duplicate and again.message_id == receipt
        except IdempotencyConflict as conflict:
            right = other and conflict.message_id == receipt
        except REDIS_FAILED:
            return
        except Exception as error:
            self._journal.note(number, "failed", f"{type(error).__name__}: {error}")
            return
        if not right:
            self._journal.note(number, "failed", "its key has lost the message")


def main(directory: Path, seed: int, producer: int) -> None:
    web_app = Producer()
    streams = OpenStreams(web_app)
    threads = [SendingThread(web_app, streams, directory, seed, producer, thread) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    install()
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
