from __future__ import annotations

import time

import pytest

from bsg_sandbox.server import Sandbox
from tests.processes import wait_until
from tests.sandbox.receiver import receiver
from tests.sandbox.sandbox_calls import FIRST_PHONE, call, messages, taken


def test_each_message_is_reported_once_when_it_has_its_final_status(sandbox: Sandbox) -> None:
    sandbox.configure(creation_seconds=50, undelivered_share=0.5)
    with receiver() as app:
        taken(sandbox, messages(4), callback_url=app.url)
        time.sleep(0.2)
        assert app.pushed == []

        sandbox.advance(60)
        wait_until(lambda: sandbox.callbacks()["received"] == 4)

        assert [report["reference"] for report in app.pushed] == ["ref0", "ref1", "ref2", "ref3"]
        assert sorted(report["status"] for report in app.pushed) == ["delivered"] * 2 + ["undelivered"] * 2
        assert set(app.seen) == {("/reports", "application/json")}
        first = app.pushed[0]
        assert (first["error"], first["msisdn"], first["price"]) == (0, str(FIRST_PHONE), "0.0100000")
        assert first["time_in"] <= first["time_sent"] <= first["time_dr"]


def test_a_message_that_a_stop_keeps_back_is_reported_as_failed(sandbox: Sandbox) -> None:
    sandbox.configure(creation_seconds=0, moderation_seconds=1_000)
    with receiver() as app:
        campaign = taken(sandbox, messages(2), callback_url=app.url)
        assert call(sandbox, "PATCH", f"/api/campaigns/{campaign['id']}/stop").status_code == 200
        wait_until(lambda: len(app.pushed) == 2)

        assert [(report["status"], report["time_sent"]) for report in app.pushed] == [("failed", None)] * 2


@pytest.mark.parametrize("status", [204, 500, 302])
def test_a_report_that_does_not_get_200_is_pushed_again(sandbox: Sandbox, status: int) -> None:
    sandbox.configure(callback_pause=0.05)
    with receiver(status, status) as app:
        taken(sandbox, messages(1), callback_url=app.url)
        sandbox.advance(60)
        wait_until(lambda: sandbox.callbacks()["received"] == 1)

        assert app.pushed[0] == app.pushed[1] == app.pushed[2]
        assert sandbox.callbacks() == {"reports": 1, "attempts": 3, "received": 1, "given_up": 0, "waiting": 0}


def test_a_report_that_nobody_takes_is_given_up(sandbox: Sandbox) -> None:
    sandbox.configure(callback_pause=0.01, callback_attempts=2)
    with receiver(*[503] * 9) as app:
        taken(sandbox, messages(1), callback_url=app.url)
        sandbox.advance(60)
        wait_until(lambda: sandbox.callbacks()["given_up"] == 1)

        assert len(app.pushed) == 2


def test_reports_leave_the_machine_only_when_that_is_allowed(sandbox: Sandbox) -> None:
    sandbox.configure(callback_attempts=1)
    taken(sandbox, messages(1, "a"), callback_url="https://shop.invalid/reports")
    with receiver() as app:
        taken(sandbox, messages(1, "b"), callback_url=app.url)
        sandbox.advance(60)
        wait_until(lambda: sandbox.callbacks()["received"] == 1)
        assert sandbox.callbacks()["reports"] == 1

        sandbox.configure(callbacks="everywhere")
        taken(sandbox, messages(1, "c"), callback_url="https://shop.invalid/reports")
        sandbox.configure(callbacks="never")
        taken(sandbox, messages(1, "d"), callback_url=app.url)
        sandbox.advance(60)
        wait_until(lambda: sandbox.callbacks()["given_up"] == 1)
        assert sandbox.callbacks()["reports"] == 2


def test_nothing_is_reported_after_a_reset(sandbox: Sandbox) -> None:
    sandbox.configure(creation_seconds=50)
    with receiver() as app:
        taken(sandbox, messages(1, "a"), callback_url=app.url)
        sandbox.reset()
        taken(sandbox, messages(1, "b"), callback_url=app.url)
        sandbox.advance(60)
        wait_until(lambda: sandbox.callbacks()["received"] == 1)

        assert [report["reference"] for report in app.pushed] == ["b0"]
