"""What was cancelled is stopped at BSG: a stop is repeated until BSG calls the campaign final."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bsg_client.lists import NewestFirst
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.states import NeedsOperator
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.poll import poll
from bsg_worker.row_requests import UNANSWERED_IN_A_ROW
from bsg_worker.upkeep.stops import FEW, stop_at_bsg
from tests.worker.harness import WorkerHarness

STOP = "/api/campaigns/*/stop"


def cancelled_in_creation(harness: WorkerHarness, count: int = 1, **settings: Any) -> str:
    """Return a cancelled campaign of that many batches, each a campaign at BSG in `creation` for a minute."""
    harness.sandbox.configure(creation_seconds=60, sending_seconds=1_000_000, **settings)
    campaign = harness.submitted(count)
    harness.producer.cancel(campaign)
    return campaign


def cancelled_after_sending(harness: WorkerHarness, count: int = 1) -> str:
    """Return a cancelled campaign of that many batches, all of which BSG has sent already."""
    campaign = harness.submitted(count)
    harness.producer.cancel(campaign)
    harness.sandbox.advance(60)
    return campaign


def stop_again(harness: WorkerHarness) -> str:
    harness.make_due(DueIndex.STOPS)
    return stop_at_bsg(harness.runtime)


def at_bsg(harness: WorkerHarness) -> list[str]:
    return [campaign["status"] for campaign in harness.sandbox.record().campaigns]


def requests(harness: WorkerHarness, method: str, path: str = "") -> int:
    return sum(seen.method == method and path in seen.path for seen in harness.sandbox.requests())


def endpoints(harness: WorkerHarness, since: int = 0) -> list[tuple[str, str]]:
    """Return the method and the last part of the path of each request to BSG since the first `since` ones."""
    return [(seen.method, seen.path.rpartition("/")[2]) for seen in harness.sandbox.requests()[since:]]


def test_four_campaigns_that_bsg_refuses_to_stop_in_creation_are_stopped_when_it_lets(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = cancelled_in_creation(harness, 4)

        refused = stop_again(harness)
        sandbox.advance(61)
        stopped = stop_again(harness)

        assert (refused, stopped) == ("0 of 4 stops are over", "4 of 4 stops are over")
        assert at_bsg(harness) == ["stopped"] * 4
        causes = [transition.cause for transition in harness.status(campaign).transitions]
        assert causes.count("BSG has not stopped it yet") == causes.count("stopped at BSG") == 4


def test_the_next_try_comes_within_two_seconds_while_bsg_creates_and_later_when_it_does_not(
    harness: WorkerHarness,
) -> None:
    campaign = cancelled_in_creation(harness)
    bsg_id = str(harness.batch(campaign).bsg_campaign_id)

    waits = []
    for status in ("creation", "creation", "levitating", "levitating"):
        harness.sandbox.force_status(int(bsg_id), status)
        stop_again(harness)
        score = harness.runtime.redis.zscore(f"bsg:account:{harness.runtime.account.id}:stops", bsg_id)
        waits.append((float(str(score)) - harness.runtime.ledger.due_indexes.now_ms()) / 1000)

    assert all(0 < wait <= 2 for wait in waits[:3])  # the third one: it has just left creation
    assert 2 < waits[3] <= 10


def test_a_stop_that_was_refused_for_an_hour_is_tried_less_often_and_never_given_up(harness: WorkerHarness) -> None:
    campaign = cancelled_in_creation(harness)
    bsg_id = str(harness.batch(campaign).bsg_campaign_id)
    stop_again(harness)
    refusals = f"bsg:account:{harness.runtime.account.id}:stop-refusals"
    waits = []
    for hours in (1, 1000):
        harness.runtime.redis.hincrby(refusals, f"{bsg_id}:since", -hours * 3_600_000)
        stop_again(harness)
        score = harness.runtime.redis.zscore(f"bsg:account:{harness.runtime.account.id}:stops", bsg_id)
        waits.append((float(str(score)) - harness.runtime.ledger.due_indexes.now_ms()) / 1000)

    assert 50 < waits[0] <= 61
    assert 500 < waits[1] <= 600


def test_a_stop_of_what_bsg_has_sent_already_is_over(harness: WorkerHarness) -> None:
    campaign = cancelled_after_sending(harness)

    assert stop_again(harness) == "1 of 1 stops are over"
    assert "BSG could not stop it" in [transition.cause for transition in harness.status(campaign).transitions]
    assert stop_again(harness) == ""


def test_a_stop_that_bsg_takes_and_has_not_done_yet_is_asked_for_again(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled_in_creation(harness, stop_in_creation=True)
    monkeypatch.setattr(harness.runtime.client, "stop", lambda _: "sending")
    assert stop_again(harness) == "0 of 1 stops are over"
    monkeypatch.undo()

    assert stop_again(harness) == "1 of 1 stops are over"


def test_a_stop_that_bsg_does_not_confirm_is_asked_for_again(harness: WorkerHarness) -> None:
    cancelled_in_creation(harness, stop_in_creation=True)
    harness.sandbox.fault("garbage_after", shape="no_id", method="PATCH", path=STOP, times=1)
    harness.sandbox.fault("server_error_before", method="GET", path="/api/campaigns/*/detail", times=1)

    assert [stop_again(harness) for _ in range(2)] == ["0 of 1 stops are over: HTTP 500", "1 of 1 stops are over"]


def test_many_that_are_in_creation_cost_a_pass_one_list_and_one_stop(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        many = FEW + 8
        cancelled_in_creation(harness, many)
        stop_again(harness)
        stops, reads = requests(harness, "PATCH"), requests(harness, "GET")

        stop_again(harness)

        assert requests(harness, "PATCH") - stops == 1
        assert requests(harness, "GET") - reads == 2
        sandbox.advance(61)
        assert stop_again(harness) == f"{many} of {many} stops are over"


def test_if_the_list_is_behind_all_that_bsg_refused_in_creation_are_asked_for_at_once(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest_page = NewestFirst.page
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        cancelled_in_creation(harness, FEW + 8)
        stop_again(harness)
        sandbox.advance(61)
        monkeypatch.setattr(
            NewestFirst, "page", lambda of: [replace(row, status="creation") for row in newest_page(of)]
        )
        harness.make_due(DueIndex.STOPS)
        monkeypatch.setattr("bsg_worker.upkeep.stops.AT_MOST_SECONDS", 0.1)

        assert stop_at_bsg(harness.runtime) == "10 of 10 stops are over"


def test_once_bsg_has_refused_some_stops_those_that_it_lists_as_ended_cost_no_request(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsg_worker.upkeep.stops.AT_ONCE", FEW + 1)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        many = 4 * (FEW + 1)
        campaign = cancelled_after_sending(harness, many)
        before = len(sandbox.requests())

        assert stop_again(harness) == f"{many} of {many} stops are over"

        asked = [seen.method for seen in sandbox.requests()[before:]]
        assert asked == ["PATCH"] * (FEW + 1) + ["GET"]
        causes = [transition.cause for transition in harness.status(campaign).transitions]
        assert causes.count("BSG could not stop it") == many


def test_a_pass_reads_no_page_of_the_list_twice(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsg_client.lists._PAGE", 30)  # BSG's minimum
    monkeypatch.setattr("bsg_worker.upkeep.stops.AT_ONCE", 20)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        cancelled_after_sending(harness, 50)
        before = requests(harness, "GET")

        assert stop_again(harness) == "50 of 50 stops are over"

        assert (requests(harness, "PATCH"), requests(harness, "GET") - before) == (20, 2)


def test_what_the_list_does_not_show_cheaply_is_stopped_one_by_one(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsg_client.lists._PAGE", 30)  # BSG's minimum
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", WORKER_IN_FLIGHT="1")
        cancelled = harness.submitted(FEW + 1)
        harness.submitted(30 * (FEW + 2))
        harness.producer.cancel(cancelled)
        sandbox.advance(60)
        before = len(sandbox.requests())

        assert stop_again(harness) == "3 of 3 stops are over"

        assert (
            endpoints(harness, before) == [("PATCH", "stop")] * 3 + [("GET", "campaigns")] * 3 + [("GET", "detail")] * 3
        )


def test_a_list_is_read_no_longer_than_other_stops_may_wait(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsg_client.lists._PAGE", 30)  # BSG's minimum
    monkeypatch.setattr("bsg_worker.upkeep.stops.LISTED_SECONDS", 0.1)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", WORKER_IN_FLIGHT="1")
        cancelled_after_sending(harness, 31)
        sandbox.fault("latency", seconds=0.2, method="GET", path="/api/campaigns")

        assert stop_again(harness) == "31 of 31 stops are over"

        assert endpoints(harness).count(("GET", "campaigns")) == 1
        assert endpoints(harness).count(("GET", "detail")) >= 1


def test_what_bsg_can_stop_waits_for_no_list(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        cancelled_in_creation(harness, FEW + 8, stop_in_creation=True)
        before = len(sandbox.requests())

        assert stop_at_bsg(harness.runtime) == "10 of 10 stops are over"

        assert [seen.method for seen in sandbox.requests()[before:]] == ["PATCH"] * 10


def test_stops_are_requested_though_the_list_takes_longer_than_a_pass(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        cancelled_in_creation(harness, FEW + 1)
        stop_again(harness)
        sandbox.advance(61)
        harness.make_due(DueIndex.STOPS)
        monkeypatch.setattr("bsg_worker.upkeep.stops.AT_MOST_SECONDS", 0.1)
        monkeypatch.setattr("bsg_worker.upkeep.stops.ASKED_SECONDS", 0.2)
        sandbox.fault("latency", seconds=0.3, method="GET", path="/api/campaigns")

        assert stop_at_bsg(harness.runtime) == "3 of 3 stops are over"


def test_a_new_stop_does_not_wait_until_the_list_shows_what_is_in_creation(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        cancelled_in_creation(harness, FEW + 1)
        stop_again(harness)
        cancelled_in_creation(harness, 1, stop_in_creation=True)
        before = len(sandbox.requests())

        stop_again(harness)

        assert endpoints(harness, before)[:2] == [("PATCH", "stop"), ("GET", "campaigns")]


def test_campaigns_in_creation_keep_no_older_stop_waiting(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsg_worker.upkeep.stops.AT_ONCE", 1)
    monkeypatch.setattr("bsg_worker.upkeep.stops.AGAIN_SOON_SECONDS", 0.0)
    monkeypatch.setattr("bsg_worker.upkeep.stops.AT_MOST_SECONDS", 1.0)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        cancelled_in_creation(harness, 3)
        ids = [str(row["id"]) for row in sandbox.record().campaigns]

        stop_again(harness)

        asked = [seen.path.split("/")[3] for seen in sandbox.requests() if seen.method == "PATCH"]
        assert asked[:3] == sorted(ids, key=int, reverse=True)


@pytest.mark.parametrize("fault", ["throttle", "server_error_before", "cut_before"])
def test_a_list_that_fails_is_read_once_a_pass_and_keeps_no_stop_from_being_requested(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("bsg_worker.read_failures.DEFAULT_COOL_DOWN_SECONDS", 0.1)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        cancelled_in_creation(harness, 2 * FEW + 2)
        stop_again(harness)
        sandbox.advance(61)
        monkeypatch.setattr("bsg_worker.upkeep.stops.AT_ONCE", FEW + 1)
        sandbox.fault(fault, method="GET", path="/api/campaigns")
        before = requests(harness, "GET")

        outcome = stop_again(harness)

        assert outcome.startswith("6 of 6 stops are over: ")
        assert requests(harness, "GET") - before == 1


def test_a_list_that_fails_is_not_read_again_for_the_next_refusals(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsg_worker.upkeep.stops.AT_ONCE", FEW + 1)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        cancelled_after_sending(harness, 2 * FEW + 2)
        sandbox.fault("server_error_before", method="GET", path="/api/campaigns")

        assert stop_again(harness) == "6 of 6 stops are over: HTTP 500"

        assert endpoints(harness).count(("GET", "campaigns")) == 1


def test_the_newest_campaigns_are_stopped_first(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        older = cancelled_in_creation(harness, 2, stop_in_creation=True)
        newer = cancelled_in_creation(harness, 2, stop_in_creation=True)
        monkeypatch.setattr("bsg_worker.upkeep.stops.AT_ONCE", 1)

        stop_again(harness)

        asked = [seen.path.split("/")[3] for seen in sandbox.requests() if seen.method == "PATCH"]
        ids = [str(batch.bsg_campaign_id) for each in (older, newer) for batch in harness.status(each).batches]
        assert asked == sorted(ids, key=int, reverse=True)


def test_a_pass_that_takes_too_long_leaves_the_rest_due(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(
            redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", WORKER_IN_FLIGHT="1", BSG_READ_TIMEOUT="5", LEASE_SECONDS="60"
        )
        cancelled_in_creation(harness, 3, stop_in_creation=True)
        monkeypatch.setattr("bsg_worker.upkeep.stops.AT_MOST_SECONDS", 0.8)
        monkeypatch.setattr("bsg_worker.upkeep.stops.ASKED_SECONDS", 0.8)
        sandbox.fault("latency", seconds=1.0, method="PATCH", path=STOP)

        assert stop_at_bsg(harness.runtime) == "1 of 3 stops are over"
        assert stop_at_bsg(harness.runtime) == "1 of 2 stops are over"


def test_a_pass_that_ends_because_bsg_does_not_respond_leaves_the_rest_due(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", WORKER_IN_FLIGHT="1")
        cancelled_in_creation(harness, UNANSWERED_IN_A_ROW + 4, stop_in_creation=True)
        sandbox.fault("cut_before", method="PATCH", path=STOP, times=UNANSWERED_IN_A_ROW)

        assert stop_at_bsg(harness.runtime).startswith("0 of 7 stops are over")
        assert stop_at_bsg(harness.runtime) == "4 of 4 stops are over"


def test_a_pass_that_dies_keeps_few_stops_from_the_next_one(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_: int) -> str:
        raise SystemExit

    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        cancelled_in_creation(harness, 5, stop_in_creation=True)
        monkeypatch.setattr("bsg_worker.upkeep.stops.AT_ONCE", 2)
        with monkeypatch.context() as patch:
            patch.setattr(harness.runtime.client, "stop", die)
            with pytest.raises(SystemExit):
                stop_at_bsg(harness.runtime)

        assert stop_at_bsg(harness.runtime) == "3 of 3 stops are over"


def test_a_pass_that_bsg_refuses_altogether_is_not_repeated_at_once(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", WORKER_IN_FLIGHT="1")
        cancelled_in_creation(harness, 3, stop_in_creation=True)
        sandbox.fault("throttle", method="PATCH", path=STOP, times=1)

        assert stop_at_bsg(harness.runtime).startswith("0 of 3 stops are over")
        assert stop_at_bsg(harness.runtime) == ""


# BSG does not know what it has to stop


def denied(harness: WorkerHarness) -> str:
    """Return a cancelled campaign whose stop BSG has responded to with 404 for an hour."""
    campaign = cancelled_in_creation(harness, stop_in_creation=True)
    harness.sandbox.fault("server_error_before", status=404, method="PATCH", path=STOP)
    stop_again(harness)
    bsg_id = harness.batch(campaign).bsg_campaign_id
    harness.runtime.redis.hincrby(
        f"bsg:account:{harness.runtime.account.id}:stop-refusals", f"{bsg_id}:denied", -3_600_000
    )
    return campaign


def test_a_stop_that_bsg_denies_is_tried_again_at_first(harness: WorkerHarness) -> None:
    campaign = cancelled_in_creation(harness, stop_in_creation=True)
    harness.sandbox.fault("server_error_before", status=404, method="PATCH", path=STOP, times=1)

    outcomes = [stop_again(harness) for _ in range(2)]

    assert outcomes == ["0 of 1 stops are over: HTTP 404", "1 of 1 stops are over"]
    assert (harness.batch(campaign).needs_operator, harness.runtime.ledger.reading.alarms()) == (None, 0)


def test_a_stop_that_bsg_denies_again_and_again_ends_as_an_alarm_and_asks_an_operator(harness: WorkerHarness) -> None:
    campaign = denied(harness)

    stop_again(harness)

    batch = harness.batch(campaign)
    assert stop_again(harness) == ""
    assert (batch.needs_operator, batch.error) == (
        NeedsOperator.UNSTOPPED,
        "BSG does not know campaign 1000001, which it has to stop",
    )
    assert harness.runtime.ledger.reading.alarms() == 1
    assert any("ALARM" in transition.cause for transition in harness.status(campaign).transitions)


def test_an_operator_is_asked_for_as_long_as_the_campaign_is_not_over_at_bsg(harness: WorkerHarness) -> None:
    campaign = denied(harness)
    stop_again(harness)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)  # BSG shows it, which does not stop it

    assert harness.batch(campaign).needs_operator
    assert stop_again(harness) == ""

    harness.sandbox.configure(sending_seconds=1)
    harness.sandbox.force_status(harness.batch(campaign).bsg_campaign_id or 0, "done")
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    assert not harness.batch(campaign).needs_operator


def test_another_cancel_asks_bsg_once_more(harness: WorkerHarness) -> None:
    campaign = denied(harness)
    stop_again(harness)
    harness.sandbox.clear_faults()

    harness.producer.cancel(campaign)

    assert stop_again(harness) == "1 of 1 stops are over"
    assert at_bsg(harness) == ["stopped"]
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    assert (harness.status(campaign).state, harness.batch(campaign).needs_operator) == ("cancelled", None)


def test_a_stop_that_was_given_up_is_tried_again_once_bsg_knows_the_campaign_again(harness: WorkerHarness) -> None:
    campaign = denied(harness)
    stop_again(harness)
    harness.sandbox.fault("server_error_before", status=404, method="GET", path="/api/campaigns/*")
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    harness.sandbox.clear_faults()
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)

    assert stop_at_bsg(harness.runtime) == "1 of 1 stops are over"
    assert at_bsg(harness) == ["stopped"]
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    assert (harness.status(campaign).state, harness.batch(campaign).needs_operator) == ("cancelled", None)


def test_a_second_campaign_of_a_batch_whose_stop_bsg_denies_is_an_alarm_too(harness: WorkerHarness) -> None:
    campaign = harness.submitted(1)
    harness.taken(campaign, 0, 999)
    stop_again(harness)
    harness.runtime.redis.hincrby(f"bsg:account:{harness.runtime.account.id}:stop-refusals", "999:denied", -3_600_000)

    stop_again(harness)

    assert stop_again(harness) == ""
    assert harness.runtime.ledger.reading.alarms() == 2  # that there is a second one is the first
    assert not harness.batch(campaign).needs_operator


# A stop that was lost


def test_a_poll_puts_down_again_what_was_cancelled_and_is_not_final_at_bsg(harness: WorkerHarness) -> None:
    campaign = cancelled_in_creation(harness, stop_in_creation=True)
    harness.runtime.redis.delete(f"bsg:account:{harness.runtime.account.id}:stops")  # as earlier versions forgot it
    harness.make_due(DueIndex.LIVE)

    poll(harness.runtime)

    assert stop_at_bsg(harness.runtime) == "1 of 1 stops are over"
    assert at_bsg(harness) == ["stopped"]
    assert harness.status(campaign).cancelled


def test_a_poll_puts_nothing_down_that_was_not_cancelled_or_is_final(harness: WorkerHarness) -> None:
    campaign = harness.submitted(1)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    assert stop_again(harness) == ""

    harness.producer.cancel(campaign)
    harness.sandbox.advance(60)
    stop_again(harness)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    assert stop_again(harness) == ""
