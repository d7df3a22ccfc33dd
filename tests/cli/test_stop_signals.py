"""Ctrl-C and SIGTERM are a wish that is looked at where stopping is possible."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from bsg_cli.stop_signals import StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_of_them_ends_a_wait_at_once(number: signal.Signals) -> None:
    with StopSignals() as signals:
        assert not signals.wait(0.01)
        threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
        began = time.monotonic()
        assert signals.wait(30)
        assert time.monotonic() - began < 10
        assert signals.wait(30), "it stays asked"


def test_the_first_interrupts_nothing_and_the_second_calls_what_was_set() -> None:
    called: list[bool] = []
    with StopSignals() as signals:
        signals.on_repeat = lambda: called.append(True)
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.asked
        assert called == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert called == [True]


def test_a_second_one_interrupts_where_nothing_is_set() -> None:
    with StopSignals():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_afterwards_the_signals_do_what_they_did_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopSignals():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
