"""Threads that send at the same time share a call: each gets its own result or error, and none waits for ever."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from bsg_ledger.streams import AcceptedMessage, StreamMessage
from bsg_producer import QueueUnavailable
from bsg_producer.streams import grouping
from bsg_producer.streams.committing import Unconfirmed
from bsg_producer.streams.grouping import GroupCommit

WITHIN = 5.0


@pytest.fixture(autouse=True)
def no_thread_is_late_by_a_lost_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "LOOK_SECONDS", 60.0)
    monkeypatch.setattr(grouping, "LEADER_LOST_SECONDS", 60.0)


def message(number: int) -> StreamMessage:
    return StreamMessage(f"key {number}", "content", "attempt", "380661231231", "", b"row")


class Commits:
    """A commit that can be held. Its result for a message has the number of the message as its index."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.failures: list[BaseException] = []
        self.at_most = 1_000
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.held = False

    def __call__(self, messages: Sequence[StreamMessage]) -> list[AcceptedMessage]:
        self.sizes.append(len(messages))
        self.begun.release()
        if self.held:
            assert self.go_on.acquire(timeout=WITHIN)
        if len(messages) > 1 and self.failures:
            raise self.failures.pop()
        numbers = [int(one.key.removeprefix("key ")) for one in messages]
        return [AcceptedMessage("accepted", "campaign", number) for number in numbers[: self.at_most]]

    @contextmanager
    def gathering(self, group: GroupCommit, threads: int) -> Iterator[list[Future[AcceptedMessage]]]:
        """Let so many threads send while the first of them, which is alone in its call, is held."""
        self.held = True
        sending = [in_thread(group, 0)]
        assert self.begun.acquire(timeout=WITHIN)
        sending += [in_thread(group, number) for number in range(1, threads)]
        wait_until(lambda: len(group._group._gathered) == threads - 1)
        yield sending
        self.held = False
        self.go_on.release()


def in_thread(group: GroupCommit, number: int) -> Future[AcceptedMessage]:
    """Commit a message in a thread that the test does not wait for."""
    future: Future[AcceptedMessage] = Future()

    def commit() -> None:
        try:
            future.set_result(group(message(number)))
        except BaseException as error:  # noqa: BLE001 - the test reads it
            future.set_exception(error)

    threading.Thread(target=commit, daemon=True).start()
    return future


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def results_of(sending: Sequence[Future[AcceptedMessage]]) -> list[int | BaseException]:
    return [one.exception(WITHIN) or one.result().index for one in sending]


def test_a_lone_sender_waits_for_nobody() -> None:
    commits = Commits()
    group = GroupCommit(commits)
    assert [group(message(number)).index for number in range(3)] == [0, 1, 2]
    assert commits.sizes == [1, 1, 1]


def test_messages_that_come_during_a_call_share_the_next_one_and_each_gets_its_own_result() -> None:
    commits = Commits()
    with commits.gathering(GroupCommit(commits), threads=6) as sending:
        pass
    assert results_of(sending) == [0, 1, 2, 3, 4, 5]
    assert commits.sizes == [1, 5]


def test_messages_that_a_call_left_are_committed_by_the_next_ones() -> None:
    commits = Commits()
    commits.at_most = 2
    with commits.gathering(GroupCommit(commits), threads=6) as sending:
        pass
    assert results_of(sending) == [0, 1, 2, 3, 4, 5]
    assert commits.sizes == [1, 5, 3, 1]


@pytest.mark.parametrize("failure", [QueueUnavailable("Redis is full"), Unconfirmed()])
def test_a_call_that_fails_fails_all_of_its_members_and_no_other(failure: Exception) -> None:
    commits = Commits()
    commits.failures = [failure]
    group = GroupCommit(commits)
    with commits.gathering(group, threads=6) as sending:
        pass
    first, *others = results_of(sending)
    assert first == 0
    assert {(type(error), str(error)) for error in others} == {(type(failure), str(failure))}
    assert len({id(error) for error in others}) == 5
    assert group(message(7)).index == 7


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), ZeroDivisionError()])
def test_a_leader_that_is_interrupted_leaves_its_members_to_the_others(interruption: BaseException) -> None:
    commits = Commits()
    commits.failures = [interruption]
    with commits.gathering(GroupCommit(commits), threads=6) as sending:
        pass
    results = results_of(sending)
    assert [result for result in results if not isinstance(result, int)] == [interruption]
    assert [result for result in results if isinstance(result, int)] == [
        number for number, result in enumerate(results) if isinstance(result, int)
    ]


def test_a_sender_in_a_signal_handler_of_the_leader_does_not_wait_for_it() -> None:
    within: list[int] = []

    def commit(messages: Sequence[StreamMessage]) -> list[AcceptedMessage]:
        if not within:
            within.append(-1)
            within.append(group(message(5)).index)
        return [AcceptedMessage("accepted", "campaign", len(messages))]

    group = GroupCommit(commit)
    assert in_thread(group, 1).result(WITHIN).index == 1
    assert within == [-1, 1]


def test_a_leader_that_never_comes_back_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(grouping, "LEADER_LOST_SECONDS", 0.05)
    commits = Commits()
    group = GroupCommit(commits)
    group._group._leading.acquire()
    assert [in_thread(group, number).result(WITHIN).index for number in (1, 2)] == [1, 2]


def test_a_process_that_was_forked_while_a_thread_led_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    commits = Commits()
    group = GroupCommit(commits)
    with commits.gathering(group, threads=2) as sending:
        commits.held = False
        child = os.fork()
        if child == 0:  # the leader does not exist here
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(int(WITHIN))
            os._exit(group(message(7)).index)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert results_of(sending) == [0, 1]
