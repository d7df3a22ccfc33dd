"""What is going on when a process dies. The points of each are in `points.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from bsg_config import clock
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batches import BatchLease
from bsg_ledger.gate import GateReason
from bsg_ledger.keys import IN_USE_MS
from bsg_ledger.scripts import Scripts
from bsg_ledger.states import BatchState
from bsg_ledger.suppressions import source_at_bsg
from bsg_sandbox.faults import CREATE
from tests.chaos.accounts import account_of
from tests.failpoints import programs
from tests.failpoints.lane import DAY_MS
from tests.failpoints.play import Play
from tests.failpoints.processes import STATUS, WORKER
from tests.lossy_proxy import LossyProxy
from tests.processes import wait_until

TWO_PARTS = 120
LARGE = 9_999
OPTED_OUT = 380_990_000_000
LONG_TEXT_BYTES = 200  # which nothing compresses to less: two megabytes in all
SPARE_BYTES = 1_000_000
AUDITED_SECONDS = 7200.0
ON_THE_WIRE_SECONDS = 2.0
SLOT_IN_SECONDS = 1.9  # not so long that the batch is put off instead
STALLED_BEFORE_SECONDS = 0.3
STALL_MS = 2000

Scenario = Callable[[Play], None]


def a_campaign(play: Play) -> None:
    play.arm()
    play.web_app_enqueues(play.new())


def of_two_parts(play: Play) -> None:
    play.arm()
    play.web_app_enqueues(play.new(TWO_PARTS))


def whose_answer_is_lost(play: Play) -> None:
    play.lane.sandbox.fault("cut_after", times=1)
    a_campaign(play)


def that_is_throttled(play: Play) -> None:
    play.lane.sandbox.fault("throttle", retry_after=1, times=1)  # longer than a turn, so that a bell is needed
    a_campaign(play)


def with_a_token_that_has_expired(play: Play) -> None:
    play.lane.runtime.client.log_in()  # so that nobody logs in before the request that BSG turns away
    play.lane.sandbox.fault("token_expired", method="POST", path=CREATE, times=1)
    a_campaign(play)


def without_a_login(play: Play) -> None:
    play.lane.sandbox.fault("server_error_before", method="POST", path="/api/auth/login", times=1)
    with_a_token_that_has_expired(play)


def whose_poll_is_throttled(play: Play) -> None:
    play.lane.sandbox.fault("throttle", method="GET", path="/api/campaigns/*", times=1, retry_after=1)
    a_campaign(play)


def that_has_to_wait_for_its_slot(play: Play) -> None:
    """The account cools down, until the crash."""
    lane = play.lane
    lane.runtime.submit_limiter.cool_down(60.0)
    play.afterwards = lambda: lane.client.delete(f"bsg:account:{lane.runtime.account}:cool-down")
    play.cleanup.callback(play.afterwards)
    a_campaign(play)


def that_misses_its_slot(play: Play) -> None:
    """The worker sleeps until its slot, and Redis stands still from just before that until long after."""
    earlier = play.enqueue(play.new())
    play.wait_for(
        earlier, lambda status: status.batches and status.batches[0].bsg_campaign_id, "a worker that is ready"
    )
    play.arm()
    slot_at = clock.monotonic() + SLOT_IN_SECONDS
    play.lane.runtime.submit_limiter.cool_down(SLOT_IN_SECONDS)
    play.enqueue(play.new())
    clock.sleep(slot_at - STALLED_BEFORE_SECONDS - clock.monotonic())
    play.lane.client.client_pause(STALL_MS)


def on_a_redis_that_has_to_be_waited_for(play: Play) -> None:
    """It writes to its disk once a second, so that each commit asks it to."""
    lane = play.lane
    lane.processes.end(WORKER)
    lane.client.config_set("appendfsync", "everysec")
    play.cleanup.callback(lane.client.config_set, "appendfsync", "always")
    lane.processes.start_worker()
    play.arm()
    play.enqueue(play.new())


def whose_redis_is_away_when_bsg_answers(play: Play) -> None:
    lane = play.lane
    lane.sandbox.fault("latency", seconds=ON_THE_WIRE_SECONDS, times=1)
    play.arm()
    campaign_id = play.enqueue(play.new())
    play.wait_for(campaign_id, lambda status: status.counts["posting"], "its POST")
    lane.redis.kill()
    play.afterwards = lane.redis.start


def whose_limit_cannot_be_read(play: Play) -> None:
    """Somebody else wrote into the limit's key: Redis refuses the script, and nothing may leave."""
    key = f"bsg:account:{play.lane.runtime.account}:limit:submit"
    play.lane.client.delete(key)
    play.lane.client.lpush(key, "not a limit")
    play.afterwards = lambda: play.lane.client.delete(key)
    a_campaign(play)


def that_redis_cannot_hold(play: Play) -> None:
    """Redis has index for all but the part's result, which is as large as its messages, until the crash."""
    lane = play.lane
    campaign = play.new(LARGE)
    messages = ({**message, "text": token_hex(LONG_TEXT_BYTES)} for message in campaign.messages())
    play.afterwards = lambda: lane.client.config_set("maxmemory", 0)
    play.cleanup.callback(play.afterwards)
    play.arm()
    play.enqueue_without_a_bell(campaign, messages, CAMPAIGN_BATCH_SIZE="10000")
    lane.client.config_set("maxmemory", lane.client.info("memory")["used_memory"] + SPARE_BYTES)


def whose_commit_is_answered_to_nobody(play: Play) -> None:
    campaign = play.new(TWO_PARTS)
    proxy = play.cleanup.enter_context(LossyProxy(play.lane.redis.port))
    proxy.lose_answers_to(campaign.key.encode(), times=1)
    play.arm()
    play.web_app_enqueues(campaign, REDIS_URL=proxy.redis_url)


def whose_messages_come_slowly(play: Play) -> None:
    play.arm()
    play.web_app_enqueues(play.new(TWO_PARTS), slow=True)


def that_is_enqueued_again(play: Play) -> None:
    campaign = play.new(TWO_PARTS)
    play.enqueue(campaign)
    play.arm()
    play.web_app_enqueues(campaign)


def in_which_somebody_opts_out(play: Play) -> None:
    lane, campaign = play.lane, play.new()
    campaign_id = _held_back(play, campaign)
    phone = next(campaign.messages())["phone"]
    lane.producer.suppress([phone])
    play.cleanup.callback(lane.producer.unsuppress, [phone])
    play.arm()
    lane.producer.open_gate()
    lane.producer.resume(campaign_id)


def that_nobody_rang_for(play: Play) -> None:
    play.arm()
    play.enqueue_without_a_bell(play.new())


def whose_worker_is_gone(play: Play) -> None:
    lane = play.lane
    campaign_id = _without_worker(play, play.new(), parts=1)
    play.afterwards = lane.processes.start_worker
    play.arm()
    lane.ledger.batches.claim(
        campaign_id, bell="", account=lane.runtime.account, account_name=DEFAULT_ACCOUNT, token="gone", lease_ms=1000
    )


def whose_batches_nobody_rang_for(play: Play) -> None:
    play.afterwards = play.lane.processes.start_worker
    play.arm()
    _without_worker(play, play.new(), parts=1)


def that_is_resumed(play: Play) -> None:
    """No sweep rings before the operator's command does, and no bell is on its way: else the command has none to
    ring."""
    lane = play.lane
    lane.processes.end(STATUS)
    play.afterwards = lane.processes.start_status
    play.cleanup.callback(lane.processes.start_status)
    campaign_id = _held_back(play, play.new())
    wait_until(lambda: not lane.client.exists(f"bsg:campaign:{campaign_id}:rung"), within=60, what="its bells")
    lane.producer.pause(campaign_id)
    lane.producer.open_gate()
    play.arm()
    lane.processes.command(programs.resume, campaign_id)


def that_bsg_refuses(play: Play) -> None:
    play.lane.sandbox.fault("http_200_error", code=3, times=1)
    a_campaign(play)


def that_bsg_surely_does_not_have(play: Play) -> None:
    play.lane.sandbox.fault("cut_before", times=1)
    a_campaign(play)


def that_is_retried(play: Play) -> None:
    play.lane.sandbox.fault("http_200_error", code=3, times=1)
    campaign_id = play.enqueue(play.new())
    play.wait_for(campaign_id, lambda status: status.state.final, "BSG to refuse it")
    play.arm()
    play.lane.processes.command(programs.retry, campaign_id)


def that_a_person_resolves(play: Play) -> None:
    sandbox = play.lane.sandbox
    sandbox.fault("server_error_before", method="GET", path="/api/messages")
    sandbox.fault("cut_before", times=1)
    campaign_id = play.enqueue(play.new())
    play.wait_for(campaign_id, lambda status: status.counts["unconfirmed"], "the doubt")
    play.lane.client.hincrby(f"bsg:campaign:{campaign_id}:batch:0", "first_intent_at", -DAY_MS)
    sandbox.clear_faults()
    play.wait_for(campaign_id, lambda status: status.batches and status.batches[0].needs_operator, "the question")
    play.arm()
    play.lane.processes.command(programs.resolve_not_sent, f"{campaign_id}-0")


def whose_deadline_passes(play: Play) -> None:
    play.lane.producer.shut_gate()
    play.cleanup.callback(play.lane.producer.open_gate)
    play.arm()
    play.enqueue(play.new(), deadline=datetime.now(UTC) + timedelta(seconds=3))


def that_is_cancelled(play: Play) -> None:
    campaign_id = _without_worker(play, play.new(TWO_PARTS), parts=1)
    play.arm()
    play.lane.processes.command(programs.cancel, campaign_id)


def whose_cancel_nobody_finished(play: Play) -> None:
    """Who cancelled it died behind the flag."""
    campaign_id = _without_worker(play, play.new(TWO_PARTS), parts=1)
    play.arm()
    Scripts(play.lane.client).run("cancel", campaign_id)


def that_is_cancelled_at_bsg(play: Play) -> None:
    lane = play.lane
    lane.sandbox.configure(creation_seconds=5.0)
    play.cleanup.callback(lambda: lane.sandbox.configure(creation_seconds=0.2))
    campaign_id = play.enqueue(play.new())
    play.wait_for(campaign_id, lambda status: status.state == "submitted", "it to be at BSG")
    play.arm()
    lane.producer.cancel(campaign_id)


def whose_stop_bsg_denies_at_first(play: Play) -> None:
    play.lane.sandbox.fault("server_error_before", status=404, method="PATCH", path="/api/campaigns/*/stop", times=1)
    that_is_cancelled_at_bsg(play)


def that_bsg_denies_at_first(play: Play) -> None:
    play.lane.sandbox.fault("server_error_before", status=404, method="GET", path="/api/campaigns/*/detail", times=1)
    a_campaign(play)


def of_which_bsg_drops_a_message(play: Play) -> None:
    play.lane.sandbox.fault("drop", rows=(0,), times=1)
    play.arm()
    play.web_app_enqueues(play.new())


def that_an_earlier_attempt_brought_to_bsg(play: Play) -> None:
    sandbox = play.lane.sandbox
    sandbox.fault("server_error_before", method="GET", path="/api/messages")
    sandbox.fault("cut_after", times=1)
    campaign_id = play.enqueue(play.new())
    play.wait_for(campaign_id, lambda status: status.counts["unconfirmed"], "the doubt")
    (doubtful,) = [batch for batch in play.status(campaign_id).batches if batch.state == BatchState.UNCONFIRMED]
    sandbox.fault("duplicates", mode="allow", times=1)
    sandbox.fault("drop", rows=range(doubtful.size), times=1)
    play.lane.producer.resolve(doubtful.id, not_sent=True)
    play.wait_for(campaign_id, lambda status: not status.counts["unconfirmed"], "another attempt")
    play.wait_for(campaign_id, lambda status: all(batch.bsg_campaign_id for batch in status.batches), "its answer")
    play.arm()
    sandbox.clear_faults()


def of_a_blocked_user(play: Play) -> None:
    play.lane.sandbox.fault("http_200_error", code=2, times=1)
    a_campaign(play)


def whose_bodies_are_forgotten(play: Play) -> None:
    campaign_id = _closed_long_ago(play, days=8)
    play.done = lambda: play.lane.ledger.reading.bodies_forgotten([campaign_id])[campaign_id]


def that_is_forgotten(play: Play) -> None:
    campaign_id = _closed_long_ago(play, days=91)
    play.done = lambda: play.lane.ledger.reading.summary(campaign_id) is None


def while_people_opt_out_here_and_at_bsg(play: Play) -> None:
    lane = play.lane
    first = OPTED_OUT + 2 * lane.next_number()
    lane.runtime.client.attach_to_stop_list([first])
    lane.producer.suppress([first + 1])
    play.cleanup.callback(lane.producer.unsuppress, [first, first + 1])
    play.enqueue(play.new())
    play.arm()
    play.tick = lane.tick_stop_list
    lane.tick_stop_list()
    play.done = lambda: all(
        set(found.sources) >= {source_at_bsg(DEFAULT_ACCOUNT)}
        for found in lane.ledger.suppressions.sources_of([str(first), str(first + 1)])
    )


def of_a_ledger_that_went_back(play: Play) -> None:
    """One batch in somebody's hands, one that BSG has, and one that is not prepared."""
    lane = play.lane
    campaign_id = _without_worker(play, play.new(2 * TWO_PARTS), parts=2)
    lane.ledger.batches.claim(
        campaign_id,
        bell="",
        account=lane.runtime.account,
        account_name=DEFAULT_ACCOUNT,
        token="gone",
        lease_ms=lane.runtime.lease_ms + 3000,
    )
    play.bsg_takes(campaign_id, 1)
    _recovered(play)


def whose_ids_were_used_before_the_ledger_went_back(play: Play) -> None:
    first = play.new(own_reference_ids=True)
    first_id = play.enqueue(first)
    play.wait_for(first_id, lambda status: status.state.final, "the ids to be used")
    again = play.new()
    messages = [
        {**message, "reference_id": used["reference_id"]}
        for message, used in zip(again.messages(), first.messages(), strict=True)
    ]
    _without_worker(play, again, parts=1, messages=iter(messages))
    _recovered(play)


def cancelled_in_a_ledger_that_went_back(play: Play) -> None:
    campaign_id = _without_worker(play, play.new(), parts=1)
    play.bsg_takes(campaign_id, 0)
    play.lane.producer.cancel(campaign_id)
    _recovered(play)


def that_was_begun_under_a_key_that_was_rotated(play: Play) -> None:
    """One batch recorded as taken, and one that BSG has and the old key's last worker had on the wire when it died."""
    lane, batches = play.lane, play.lane.ledger.batches
    campaign_id = _without_worker(play, play.new(2 * TWO_PARTS), parts=2)
    lane.runtime.client.balance()
    old = f"old-{token_hex(4)}"
    for lease_ms in (lane.runtime.lease_ms, 1):
        lease = batches.claim(
            campaign_id,
            bell="",
            account=old,
            account_name=DEFAULT_ACCOUNT,
            token="gone",
            lease_ms=lane.runtime.lease_ms,
        )
        if not isinstance(lease, BatchLease):
            raise RuntimeError("the old key's worker got no batch")
        batches.intend(lease, account=old, lease_ms=lease_ms, duplicate_window_ms=0)
        bsg_id = play.bsg_takes(campaign_id, lease.batch)
        if lease_ms > 1:
            batches.taken(
                campaign_id,
                lease.batch,
                account=old,
                bsg_campaign_id=bsg_id,
                bsg_status="creation",
                next_poll_ms=0,
                cause="taken",
            )
    play.afterwards = lane.processes.start_worker
    play.done = lambda: old not in lane.ledger.keys.known()
    play.arm()
    lane.ledger.keys.note(
        old,
        name=DEFAULT_ACCOUNT,
        address=lane.settings.address,
        bsg_account=lane.runtime.client.bsg_account(),
    )
    lane.client.zincrby("bsg:keys", -IN_USE_MS - 1, old)


def _held_back(play: Play, campaign: Any) -> str:
    """Its batches wait, as the gate is shut."""
    play.lane.producer.shut_gate()
    play.cleanup.callback(play.lane.producer.open_gate)
    campaign_id = play.enqueue(campaign)
    play.wait_for(campaign_id, lambda status: not status.counts["unprepared"], "its batches")
    return campaign_id


def _closed_long_ago(play: Play, *, days: int) -> str:
    """Sent, and its end aged by so many days; beat ticks for the purge every second."""
    lane = play.lane
    campaign = play.new()
    campaign_id = play.enqueue(campaign)
    play.wait_for(
        campaign_id,
        lambda status: status.state == "done" and status.batches[0].total_messages == campaign.size,
        "it to be done",
    )
    lane.let_rest(play.status(campaign_id))
    play.forgotten[campaign.key] = account_of(lane.producer, lane.ledger, campaign_id)
    lane.client.zadd("bsg:closed", {campaign_id: lane.ledger.due_indexes.now_ms() - days * DAY_MS})
    play.arm()
    play.tick = lane.tick_purge
    lane.tick_purge()
    return campaign_id


def _without_worker(
    play: Play, campaign: Any, *, parts: int, messages: Iterator[Mapping[str, Any]] | None = None
) -> str:
    lane = play.lane
    lane.processes.end(WORKER)
    play.cleanup.callback(lane.processes.start_worker)
    campaign_id = play.enqueue_without_a_bell(campaign, messages)
    play.prepare_parts(campaign_id, parts)
    return campaign_id


def _recovered(play: Play) -> None:
    """The gate is shut as a process shuts it that saw more, and an operator has the ledger recovered."""
    lane = play.lane
    lane.runtime.gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="make crash")
    play.arm()
    lane.processes.command(programs.recover_all, AUDITED_SECONDS)
    play.afterwards = lane.processes.start_worker


def named(scenario: Scenario) -> str:
    """How the table's second column goes on after "a campaign"."""
    return "" if scenario is a_campaign else scenario.__name__.replace("_", " ")
