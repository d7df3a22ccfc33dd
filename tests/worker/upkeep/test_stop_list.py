"""BSG's stop list is read into the suppression list, ours goes to BSG if that is set, and a crash loses nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bsg_config import clock
from bsg_ledger.due_indexes import DueIndex
from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from bsg_worker.upkeep.stop_list import sync_stop_list
from tests.failpoints.doors import watched
from tests.sandbox.sandbox_calls import call
from tests.worker.harness import LONG_TIMEOUTS, WorkerHarness

FIRST = 380_661_000_000
HERE, AT_BSG, BOTH = ("here",), ("bsg:default",), ("here", "bsg:default")
CRASHES = ["after GET stoplist", "after script stop_list_page", "after POST attach", "after script note_suppressed"]


class Died(BaseException):
    """Stands in for a SIGKILL: nothing of the process goes on."""


@pytest.fixture
def pushing(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox, BSG_PUSH_STOPLIST="true", **LONG_TIMEOUTS)


def opt_out_at_bsg(harness: WorkerHarness, *phones: int, types: tuple[str, ...] = ("sms",)) -> None:
    for first in range(0, len(phones), 1_000):
        order = {"phones": phones[first : first + 1_000], "types": types}
        assert call(harness.sandbox, "POST", "/api/stoplist/attach", json=order).status_code == 200


def listed_at_bsg(harness: WorkerHarness) -> set[int]:
    phones: set[int] = set()
    while True:
        query = {"page[limit]": 500, "page[offset]": len(phones)}
        page = call(harness.sandbox, "GET", "/api/stoplist", params=query).json()
        phones.update(row["phone"] for row in page["data"])
        if len(phones) >= page["total"]:
            return phones


def sources(producer: Producer) -> dict[int, tuple[str, ...]]:
    return {int(found.phone): found.sources for found in producer.suppressions()}


def make_due(harness: WorkerHarness) -> None:
    harness.runtime.redis.hdel("bsg:stop-lists", "default:due")


def changes(harness: WorkerHarness) -> int:
    return int(harness.runtime.redis.hget("bsg:ledger", "suppressions") or 0)


def test_a_phone_on_bsgs_stop_list_is_suppressed_and_says_where_it_came_from(harness: WorkerHarness) -> None:
    harness.producer.suppress([FIRST, FIRST + 1])
    opt_out_at_bsg(harness, FIRST + 1, FIRST + 2)

    outcome = sync_stop_list(harness.runtime)

    assert outcome == "BSG's stop list: 2 read, 1 new here, 0 attached"
    assert sources(harness.producer) == {FIRST: HERE, FIRST + 1: BOTH, FIRST + 2: AT_BSG}
    campaign = harness.prepared(1)
    assert harness.status(campaign).counts["rejected"] == 0
    receipt = harness.producer.enqueue([{"phone": FIRST + 2, "text": "Hello"}], sender="MyShop").campaign_id
    harness.prepare_and_submit(receipt)
    assert [reject.code for reject in harness.producer.rejects(receipt)] == ["suppressed"]


def test_a_phone_that_opts_out_at_bsg_is_taken_out_of_what_waits(harness: WorkerHarness) -> None:
    campaign = harness.producer.enqueue([{"phone": FIRST + n, "text": "Hello"} for n in range(2)], sender="MyShop")
    harness.prepare(campaign.campaign_id)
    opt_out_at_bsg(harness, FIRST)

    sync_stop_list(harness.runtime)
    for _ in range(3):
        harness.make_due(DueIndex.DUE)
        harness.dispatch()

    assert set(harness.sandbox.record().recipients) == {FIRST + 1}
    assert harness.status(campaign.campaign_id).counts["rejected"] == 1


def test_the_stop_list_of_another_channel_is_left_alone(harness: WorkerHarness) -> None:
    opt_out_at_bsg(harness, FIRST, types=("viber",))

    sync_stop_list(harness.runtime)

    assert sources(harness.producer) == {}


def test_a_list_of_several_pages_is_read_whole(harness: WorkerHarness) -> None:
    opt_out_at_bsg(harness, *range(FIRST, FIRST + 1_234))

    sync_stop_list(harness.runtime)

    assert set(sources(harness.producer)) == set(range(FIRST, FIRST + 1_234))
    reads = [seen for seen in harness.sandbox.requests() if seen.path == "/api/stoplist"]
    assert len(reads) == 3


def test_a_sync_that_changes_nothing_leaves_the_list_as_it_was_for_batches(harness: WorkerHarness) -> None:
    opt_out_at_bsg(harness, FIRST)
    sync_stop_list(harness.runtime)
    before = changes(harness)
    make_due(harness)

    outcome = sync_stop_list(harness.runtime)

    assert outcome == "BSG's stop list: 1 read, 0 new here, 0 attached"
    assert changes(harness) == before


def test_nobody_asks_before_the_interval_is_over(harness: WorkerHarness) -> None:
    sync_stop_list(harness.runtime)
    asked = len(harness.sandbox.requests())

    assert sync_stop_list(harness.runtime) == ""
    assert len(harness.sandbox.requests()) == asked


def test_what_bsg_no_longer_lists_stays_suppressed(harness: WorkerHarness) -> None:
    opt_out_at_bsg(harness, FIRST)
    sync_stop_list(harness.runtime)
    contact = call(harness.sandbox, "GET", "/api/stoplist").json()["data"][0]["id"]
    call(harness.sandbox, "POST", "/api/stoplist/detach", json={"ids": [contact], "types": ["sms"]})
    make_due(harness)

    sync_stop_list(harness.runtime)

    assert sources(harness.producer) == {FIRST: AT_BSG}


def test_a_phone_that_is_taken_off_has_no_source_any_more(harness: WorkerHarness) -> None:
    opt_out_at_bsg(harness, FIRST)
    sync_stop_list(harness.runtime)

    assert harness.producer.unsuppress([FIRST]) == 1
    assert sources(harness.producer) == {}
    harness.producer.suppress([FIRST])
    assert sources(harness.producer) == {FIRST: HERE}


def test_ours_goes_to_bsg_only_when_that_is_set(harness: WorkerHarness) -> None:
    harness.producer.suppress([FIRST])

    sync_stop_list(harness.runtime)

    assert listed_at_bsg(harness) == set()


def test_ours_goes_to_bsg_a_thousand_at_a_time_and_only_what_bsg_lacks(pushing: WorkerHarness) -> None:
    ours = range(FIRST, FIRST + 2_100)
    pushing.producer.suppress(ours)
    opt_out_at_bsg(pushing, FIRST + 5, FIRST + 9_000)
    posts_before = len([seen for seen in pushing.sandbox.requests() if seen.method == "POST"])

    outcome = sync_stop_list(pushing.runtime)

    assert outcome == "BSG's stop list: 2 read, 1 new here, 2099 attached"
    assert listed_at_bsg(pushing) == {*ours, FIRST + 9_000}
    posts = [seen for seen in pushing.sandbox.requests() if seen.path == "/api/stoplist/attach"]
    assert len(posts) - posts_before == 3
    make_due(pushing)
    assert sync_stop_list(pushing.runtime) == "BSG's stop list: 2101 read, 0 new here, 0 attached"


def test_what_has_no_time_goes_on_from_where_it_was(pushing: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    opt_out_at_bsg(pushing, *range(FIRST, FIRST + 1_200))
    pushing.producer.suppress(range(FIRST + 5_000, FIRST + 6_500))
    ticks = itertools.count(step=6)
    monkeypatch.setattr(clock, "monotonic", lambda: float(next(ticks)))

    outcomes = []
    while outcome := sync_stop_list(pushing.runtime):
        outcomes.append(outcome)

    assert len(outcomes) > 3
    assert len(sources(pushing.producer)) == 2_700
    assert len(listed_at_bsg(pushing)) == 2_700
    offsets = [seen for seen in pushing.sandbox.requests() if seen.method == "GET" and seen.path == "/api/stoplist"]
    assert len(offsets) - 6 == 3  # each page once, and six by this test


@pytest.mark.parametrize("point", CRASHES)
def test_a_sync_that_dies_half_way_loses_nobody(pushing: WorkerHarness, point: str) -> None:
    opt_out_at_bsg(pushing, *range(FIRST, FIRST + 700))
    pushing.producer.suppress(range(FIRST + 5_000, FIRST + 6_100))

    for _ in range(2):
        with watched(dying_at(point)), pytest.raises(Died):
            sync_stop_list(pushing.runtime)
    while sync_stop_list(pushing.runtime):
        pass

    everybody = {*range(FIRST, FIRST + 700), *range(FIRST + 5_000, FIRST + 6_100)}
    assert set(sources(pushing.producer)) == everybody
    assert listed_at_bsg(pushing) == everybody


def dying_at(point: str) -> Callable[[str], None]:
    def observe(here: str) -> None:
        if here == point:
            raise Died

    return observe


def test_a_phone_that_is_taken_off_while_it_is_attached_is_not_put_back(pushing: WorkerHarness) -> None:
    pushing.producer.suppress([FIRST])

    def taken_off(point: str) -> None:
        if point == "after POST attach":
            pushing.producer.unsuppress([FIRST])

    with watched(taken_off):
        sync_stop_list(pushing.runtime)

    assert sources(pushing.producer) == {}
    pushing.producer.suppress([FIRST])
    assert sources(pushing.producer) == {FIRST: HERE}


@pytest.mark.parametrize("fault", [{"kind": "server_error_before"}, {"kind": "throttle", "retry_after": 1}])
def test_a_failure_puts_the_sync_off_and_the_next_goes_on(harness: WorkerHarness, fault: dict[str, Any]) -> None:
    opt_out_at_bsg(harness, *range(FIRST, FIRST + 600))
    harness.sandbox.fault(**fault, method="GET", path="/api/stoplist", requests=[2])

    failed = sync_stop_list(harness.runtime)
    at_once = sync_stop_list(harness.runtime)
    make_due(harness)
    recovered = sync_stop_list(harness.runtime)

    assert failed.startswith("BSG's stop list: ")
    assert at_once == ""
    assert recovered == "BSG's stop list: 100 read, 100 new here, 0 attached"
    assert len(sources(harness.producer)) == 600


def test_a_list_that_does_not_go_on_ends(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    opt_out_at_bsg(harness, FIRST)
    page = harness.runtime.client.stop_list(0)
    monkeypatch.setattr(harness.runtime.client, "stop_list", lambda offset: replace(page, total=9))

    assert sync_stop_list(harness.runtime) == "BSG's stop list: a list that does not go on"


def test_a_duplicate_notice_for_what_is_attached_again_is_made_up_for_by_the_next_read(pushing: WorkerHarness) -> None:
    pushing.producer.suppress([FIRST])
    pushing.sandbox.fault("duplicate_notice_after", path="/api/stoplist/attach", times=1)

    sync_stop_list(pushing.runtime)
    make_due(pushing)
    sync_stop_list(pushing.runtime)

    assert listed_at_bsg(pushing) == {FIRST}
    assert sources(pushing.producer) == {FIRST: BOTH}
