"""What is going on when a process dies. The points of each are in `points.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from bsg_config import clock
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.gate import GateReason
from bsg_ledger.keys import IN_USE_MS
from bsg_ledger.scripts import Scripts
from bsg_ledger.states import BatchState
from bsg_ledger.suppressions import source_at_bsg
from bsg_sandbox.faults import CREATE
from tests.chaos.accounts import account_of
from tests.failpoints import programs
from tests.failpoints.environment import DAY_MS
from tests.failpoints.processes import STATUS, WORKER
from tests.failpoints.trial import Trial
from tests.lossy_proxy import LossyProxy
from tests.processes import wait_until

TWO_CHUNKS = 120
LARGE = 9_999
OPTED_OUT = 380_990_000_000
LONG_TEXT_BYTES = 200  # which nothing compresses to less: two megabytes in all
SPARE_BYTES = 1_000_000
AUDITED_SECONDS = 7200.0
ON_THE_WIRE_SECONDS = 2.0
SLOT_IN_SECONDS = 1.9  # not so long that the batch is put off instead
STALLED_BEFORE_SECONDS = 0.3
STALL_MS = 2000

Scenario = Callable[[Trial], None]


def a_campaign(trial: Trial) -> None:
    trial.arm()
    trial.web_app_enqueues(trial.new())


def of_two_chunks(trial: Trial) -> None:
    trial.arm()
    trial.web_app_enqueues(trial.new(TWO_CHUNKS))


def whose_response_is_lost(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("cut_after", times=1)
    a_campaign(trial)


def that_is_throttled(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("throttle", retry_after=1, times=1)
    a_campaign(trial)


def with_a_token_that_has_expired(trial: Trial) -> None:
    trial.trial_environment.runtime.client.log_in()  # so that nobody logs in before the request that BSG turns away
    trial.trial_environment.sandbox.fault("token_expired", method="POST", path=CREATE, times=1)
    a_campaign(trial)


def without_a_login(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("server_error_before", method="POST", path="/api/auth/login", times=1)
    with_a_token_that_has_expired(trial)


def whose_poll_is_throttled(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("throttle", method="GET", path="/api/campaigns/*", times=1, retry_after=1)
    a_campaign(trial)


def that_has_to_wait_for_its_slot(trial: Trial) -> None:
    """The account cools down, until the crash."""
    trial_environment = trial.trial_environment
    trial_environment.runtime.submit_limiter.cool_down(60.0)
    trial.afterwards = lambda: trial_environment.client.delete(
        f"bsg:account:{trial_environment.runtime.account.id}:cool-down"
    )
    trial.cleanup.callback(trial.afterwards)
    a_campaign(trial)


def that_misses_its_slot(trial: Trial) -> None:
    """The worker sleeps until its slot, and Redis responds to nobody from just before that until long after."""
    earlier = trial.enqueue(trial.new())
    trial.wait_for(
        earlier, lambda status: status.batches and status.batches[0].bsg_campaign_id, "a worker that is ready"
    )
    trial.arm()
    slot_at = clock.monotonic() + SLOT_IN_SECONDS
    trial.trial_environment.runtime.submit_limiter.cool_down(SLOT_IN_SECONDS)
    trial.enqueue(trial.new())
    clock.sleep(slot_at - STALLED_BEFORE_SECONDS - clock.monotonic())
    trial.trial_environment.client.client_pause(STALL_MS)


def whose_body_cannot_be_read(trial: Trial) -> None:
    """Until the crash."""
    trial_environment = trial.trial_environment
    campaign_id = _held_back(trial, trial.new())
    key = f"bsg:campaign:{campaign_id}:batch:0:messages"
    body = trial_environment.client.get(key)
    trial_environment.client.set(key, b"no body")
    trial.afterwards = lambda: trial_environment.client.set(key, body)
    trial.arm()
    trial_environment.producer.open_gate()
    trial_environment.producer.resume(campaign_id)


def that_is_sent_at_its_hours_alone(trial: Trial) -> None:
    trial.arm()
    trial.enqueue(trial.new(), send_between="00:00-23:59 UTC")


def on_a_redis_that_has_to_be_waited_for(trial: Trial) -> None:
    """It writes to its disk once a second, so that each commit asks it to."""
    trial_environment = trial.trial_environment
    trial_environment.processes.end(WORKER)
    trial_environment.client.config_set("appendfsync", "everysec")
    trial.cleanup.callback(trial_environment.client.config_set, "appendfsync", "always")
    trial_environment.processes.start_worker()
    a_campaign(trial)


def whose_redis_is_away_when_bsg_responds(trial: Trial) -> None:
    trial_environment = trial.trial_environment
    trial_environment.sandbox.fault("latency", seconds=ON_THE_WIRE_SECONDS, times=1)
    trial.arm()
    campaign_id = trial.enqueue(trial.new())
    trial.wait_for(campaign_id, lambda status: status.counts["posting"], "its POST")
    trial_environment.redis.kill()
    trial.afterwards = trial_environment.redis.start


def of_an_account_that_cannot_be_read(trial: Trial) -> None:
    """Somebody else wrote into a key of the account: Redis refuses the script, and nothing may leave."""
    key = f"bsg:account:{trial.trial_environment.runtime.account.id}:due"
    trial.trial_environment.client.delete(key)
    trial.trial_environment.client.lpush(key, "not a due campaign")
    trial.afterwards = lambda: trial.trial_environment.client.delete(key)
    a_campaign(trial)


def that_redis_cannot_hold(trial: Trial) -> None:
    """Redis has space for all but the chunk's result, which is as large as its messages, until the crash."""
    trial_environment = trial.trial_environment
    campaign = trial.new(LARGE)
    messages = ({**message, "text": token_hex(LONG_TEXT_BYTES)} for message in campaign.messages())
    trial.afterwards = lambda: trial_environment.client.config_set("maxmemory", 0)
    trial.cleanup.callback(trial.afterwards)
    trial.arm()
    trial.enqueue_without_a_wake_up(campaign, messages, CAMPAIGN_BATCH_SIZE="10000")
    trial_environment.client.config_set(
        "maxmemory", trial_environment.client.info("memory")["used_memory"] + SPARE_BYTES
    )


def whose_commit_is_not_heard_of(trial: Trial) -> None:
    campaign = trial.new(TWO_CHUNKS)
    proxy = trial.cleanup.enter_context(LossyProxy(trial.trial_environment.redis.port))
    proxy.lose_responses_to(campaign.key.encode(), times=1)
    trial.arm()
    trial.web_app_enqueues(campaign, REDIS_URL=proxy.redis_url)


def whose_messages_come_slowly(trial: Trial) -> None:
    trial.arm()
    trial.web_app_enqueues(trial.new(TWO_CHUNKS), slow=True)


def that_is_enqueued_again(trial: Trial) -> None:
    campaign = trial.new(TWO_CHUNKS)
    trial.enqueue(campaign)
    trial.arm()
    trial.web_app_enqueues(campaign)


def in_which_somebody_opts_out(trial: Trial) -> None:
    trial_environment, campaign = trial.trial_environment, trial.new()
    campaign_id = _held_back(trial, campaign)
    phone = next(campaign.messages())["phone"]
    trial_environment.producer.suppress([phone])
    trial.cleanup.callback(trial_environment.producer.unsuppress, [phone])
    trial.arm()
    trial_environment.producer.open_gate()
    trial_environment.producer.resume(campaign_id)


def of_which_somebody_else_opts_out(trial: Trial) -> None:
    trial_environment = trial.trial_environment
    campaign_id = _held_back(trial, trial.new())
    phone = OPTED_OUT + 2 * trial_environment.next_number()
    trial_environment.producer.suppress([phone])
    trial.cleanup.callback(trial_environment.producer.unsuppress, [phone])
    trial.arm()
    trial_environment.producer.open_gate()
    trial_environment.producer.resume(campaign_id)


def that_nobody_was_woken_for(trial: Trial) -> None:
    trial.arm()
    trial.enqueue_without_a_wake_up(trial.new())


def whose_worker_is_gone(trial: Trial) -> None:
    trial_environment = trial.trial_environment
    campaign_id = _without_worker(trial, trial.new(), chunks=1)
    trial.afterwards = trial_environment.processes.start_worker
    trial.arm()
    trial.dispatch(campaign_id, lease_ms=1000)


def whose_batches_nobody_was_woken_for(trial: Trial) -> None:
    trial.afterwards = trial.trial_environment.processes.start_worker
    trial.arm()
    _without_worker(trial, trial.new(), chunks=1)


def that_is_resumed(trial: Trial) -> None:
    """No sweep wakes anybody before the operator's command does."""
    trial_environment = trial.trial_environment
    trial_environment.processes.end(STATUS)
    trial.afterwards = trial_environment.processes.start_status
    trial.cleanup.callback(trial_environment.processes.start_status)
    campaign_id = _held_back(trial, trial.new())
    trial_environment.producer.pause(campaign_id)
    trial_environment.producer.open_gate()
    trial.arm()
    trial_environment.processes.command(programs.resume, campaign_id)


def whose_rows_bsg_refuses(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("rows_refused", rows=[0], times=1)
    a_campaign(trial)


def that_bsg_refuses(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("http_200_error", code=3, times=1)
    a_campaign(trial)


def that_bsg_surely_does_not_have(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("cut_before", times=1)
    a_campaign(trial)


def that_is_retried(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("http_200_error", code=3, times=1)
    campaign_id = trial.enqueue(trial.new())
    trial.wait_for(campaign_id, lambda status: status.state.final, "BSG to refuse it")
    trial.arm()
    trial.trial_environment.processes.command(programs.retry, campaign_id)


def that_an_operator_resolves(trial: Trial) -> None:
    sandbox = trial.trial_environment.sandbox
    sandbox.fault("server_error_before", method="GET", path="/api/messages")
    sandbox.fault("cut_before", times=1)
    campaign_id = trial.enqueue(trial.new())
    trial.wait_for(campaign_id, lambda status: status.counts["unconfirmed"], "the doubt")
    trial.trial_environment.client.hincrby(f"bsg:campaign:{campaign_id}:batch:0", "first_intent_at", -DAY_MS)
    sandbox.clear_faults()
    trial.wait_for(campaign_id, lambda status: status.batches and status.batches[0].needs_operator, "the question")
    trial.arm()
    trial.trial_environment.processes.command(programs.resolve_not_sent, f"{campaign_id}-0")


def whose_deadline_passes(trial: Trial) -> None:
    trial.trial_environment.producer.shut_gate()
    trial.cleanup.callback(trial.trial_environment.producer.open_gate)
    trial.arm()
    trial.enqueue(trial.new(), deadline=datetime.now(UTC) + timedelta(seconds=3))


def that_is_cancelled(trial: Trial) -> None:
    campaign_id = _without_worker(trial, trial.new(TWO_CHUNKS), chunks=1)
    trial.arm()
    trial.trial_environment.processes.command(programs.cancel, campaign_id)


def whose_cancel_nobody_finished(trial: Trial) -> None:
    """Who cancelled it died behind the flag."""
    campaign_id = _without_worker(trial, trial.new(TWO_CHUNKS), chunks=1)
    trial.arm()
    Scripts(trial.trial_environment.client).run("cancel", campaign_id)


def _in_creation_at_bsg(trial: Trial) -> str:
    trial_environment = trial.trial_environment
    trial_environment.sandbox.configure(creation_seconds=5.0)
    trial.cleanup.callback(lambda: trial_environment.sandbox.configure(creation_seconds=0.2))
    campaign_id = trial.enqueue(trial.new())
    trial.wait_for(campaign_id, lambda status: status.state == "submitted", "it to be at BSG")
    return campaign_id


def that_is_cancelled_at_bsg(trial: Trial) -> None:
    campaign_id = _in_creation_at_bsg(trial)
    trial.arm()
    trial.trial_environment.producer.cancel(campaign_id)


def whose_stop_bsg_denies_at_first(trial: Trial) -> None:
    producer, sandbox = trial.trial_environment.producer, trial.trial_environment.sandbox
    campaign_id = _in_creation_at_bsg(trial)
    # Only of this one: a campaign of an earlier trial may have to be stopped in between.
    stop = f"/api/campaigns/{producer.status(campaign_id).batches[0].bsg_campaign_id}/stop"
    sandbox.fault("server_error_before", status=404, method="PATCH", path=stop, times=1)
    trial.arm()
    producer.cancel(campaign_id)


def that_bsg_denies_at_first(trial: Trial) -> None:
    # More than once: a campaign of an earlier trial may be read in between.
    trial.trial_environment.sandbox.fault(
        "server_error_before", status=404, method="GET", path="/api/campaigns/*/detail", times=4
    )
    a_campaign(trial)


def of_which_bsg_drops_a_message(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("drop", rows=(0,), times=1)
    trial.arm()
    trial.web_app_enqueues(trial.new())


def that_an_earlier_attempt_brought_to_bsg(trial: Trial) -> None:
    sandbox = trial.trial_environment.sandbox
    sandbox.fault("server_error_before", method="GET", path="/api/messages")
    sandbox.fault("cut_after", times=1)
    campaign_id = trial.enqueue(trial.new())
    trial.wait_for(campaign_id, lambda status: status.counts["unconfirmed"], "the doubt")
    (doubtful,) = [batch for batch in trial.status(campaign_id).batches if batch.state == BatchState.UNCONFIRMED]
    sandbox.fault("duplicates", mode="allow", times=1)
    sandbox.fault("drop", rows=range(doubtful.size), times=1)
    trial.trial_environment.producer.resolve(doubtful.id, not_sent=True)
    trial.wait_for(campaign_id, lambda status: not status.counts["unconfirmed"], "another attempt")
    trial.wait_for(campaign_id, lambda status: all(batch.bsg_campaign_id for batch in status.batches), "its response")
    trial.arm()
    sandbox.clear_faults()


def of_a_blocked_user(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("http_200_error", code=2, times=1)
    a_campaign(trial)


def whose_bodies_are_forgotten(trial: Trial) -> None:
    campaign_id = _closed_long_ago(trial, days=8)
    trial.done = lambda: trial.trial_environment.ledger.reading.bodies_forgotten([campaign_id])[campaign_id]


def that_is_forgotten(trial: Trial) -> None:
    campaign_id = _closed_long_ago(trial, days=91)
    trial.done = lambda: trial.trial_environment.ledger.reading.summary(campaign_id) is None


def that_is_compacted(trial: Trial) -> None:
    campaign_id = _closed_long_ago(trial, days=8, polled_on=False)
    trial.done = lambda: (
        list(trial.trial_environment.client.scan_iter(f"bsg:campaign:{campaign_id}*"))
        == [f"bsg:campaign:{campaign_id}:record".encode()]
    )


def that_is_forgotten_after_its_compaction(trial: Trial) -> None:
    campaign_id = _closed_long_ago(trial, days=91, polled_on=False, compacted=True)
    trial.done = lambda: trial.trial_environment.ledger.reading.summary(campaign_id) is None


def while_people_opt_out_here_and_at_bsg(trial: Trial) -> None:
    trial_environment = trial.trial_environment
    first = OPTED_OUT + 2 * trial_environment.next_number()
    trial_environment.runtime.client.attach_to_stop_list([first])
    trial_environment.producer.suppress([first + 1])
    trial.cleanup.callback(trial_environment.producer.unsuppress, [first, first + 1])
    trial.enqueue(trial.new())
    trial.arm()
    trial.tick = trial_environment.tick_stop_list
    trial_environment.tick_stop_list()
    trial.done = lambda: all(
        set(found.sources) >= {source_at_bsg(DEFAULT_ACCOUNT)}
        for found in trial_environment.ledger.suppressions.sources_of([str(first), str(first + 1)])
    )


def of_a_ledger_that_went_back(trial: Trial) -> None:
    """One batch in somebody's hands, one that BSG has, and one that is not prepared."""
    trial_environment = trial.trial_environment
    campaign_id = _without_worker(trial, trial.new(2 * TWO_CHUNKS), chunks=2)
    trial.dispatch(campaign_id, lease_ms=trial_environment.runtime.lease_ms + 10_000)
    trial.bsg_takes(campaign_id, 1)
    _recovered(trial)


def whose_ids_were_used_before_the_ledger_went_back(trial: Trial) -> None:
    first = trial.new(own_reference_ids=True)
    first_id = trial.enqueue(first)
    trial.wait_for(first_id, lambda status: status.state.final, "the ids to be used")
    again = trial.new()
    messages = [
        {**message, "reference_id": used["reference_id"]}
        for message, used in zip(again.messages(), first.messages(), strict=True)
    ]
    _without_worker(trial, again, chunks=1, messages=iter(messages))
    _recovered(trial)


def cancelled_in_a_ledger_that_went_back(trial: Trial) -> None:
    campaign_id = _without_worker(trial, trial.new(), chunks=1)
    trial.bsg_takes(campaign_id, 0)
    trial.trial_environment.producer.cancel(campaign_id)
    _recovered(trial)


def that_was_begun_under_a_key_that_was_rotated(trial: Trial) -> None:
    """One batch recorded as taken, and one that BSG has and the old key's last worker had on the wire when it died."""
    trial_environment, batches = trial.trial_environment, trial.trial_environment.ledger.batches
    campaign_id = _without_worker(trial, trial.new(2 * TWO_CHUNKS), chunks=2)
    trial_environment.runtime.client.balance()
    old = f"old-{token_hex(4)}"
    for lease_ms in (trial_environment.runtime.lease_ms, 1):
        lease = trial.dispatch(campaign_id, lease_ms=lease_ms, account=old)
        bsg_id = trial.bsg_takes(campaign_id, lease.batch.number)
        if lease_ms > 1:
            batches.taken(
                lease.batch,
                account=old,
                bsg_campaign_id=bsg_id,
                bsg_status="creation",
                next_poll_ms=0,
                cause="taken",
            )
    trial.afterwards = trial_environment.processes.start_worker
    trial.done = lambda: old not in trial_environment.ledger.keys.known()
    trial.arm()
    trial_environment.ledger.keys.note(
        old,
        name=DEFAULT_ACCOUNT,
        address=trial_environment.settings.account.address,
        bsg_account=trial_environment.runtime.client.bsg_account(),
    )
    trial_environment.client.zincrby("bsg:keys", -IN_USE_MS - 1, old)


def _held_back(trial: Trial, campaign: Any) -> str:
    """Its batches wait, as the gate is shut."""
    trial.trial_environment.producer.shut_gate()
    trial.cleanup.callback(trial.trial_environment.producer.open_gate)
    campaign_id = trial.enqueue_without_a_wake_up(campaign)
    trial.prepare_chunks(campaign_id, 1)
    return campaign_id


def _closed_long_ago(trial: Trial, *, days: int, polled_on: bool = True, compacted: bool = False) -> str:
    """Sent, and its end aged by so many days; beat ticks for the purge every second."""
    trial_environment = trial.trial_environment
    campaign = trial.new()
    campaign_id = trial.enqueue(campaign)
    trial.wait_for(
        campaign_id,
        lambda status: status.state == "done" and status.batches[0].total_messages == campaign.size,
        "it to be done",
    )
    trial_environment.let_rest(trial.status(campaign_id))
    trial_environment.drop_purges()
    trial.forgotten[campaign.key] = account_of(trial_environment.producer, trial_environment.ledger, campaign_id)
    long_ago = trial_environment.ledger.due_indexes.now_ms() - days * DAY_MS
    for index in ("campaigns", "closed"):
        trial_environment.client.zadd(f"bsg:{index}", {campaign_id: long_ago})

    def end_polls() -> None:
        trial_environment.client.zrem(f"bsg:account:{trial_environment.runtime.account.id}:live", f"{campaign_id}-0")

    def compact() -> bool:
        end_polls()  # each time: a poll that was under way puts the batch into the index again
        return trial_environment.ledger.compaction.compact(campaign_id, closed_for_ms=0)

    if not polled_on:
        end_polls()
    if compacted:
        trial_environment.ledger.campaigns.forget_bodies(campaign_id)
        wait_until(compact, what="it to be compacted")
    trial.arm()
    trial.tick = trial_environment.tick_purge
    trial_environment.tick_purge()
    return campaign_id


def _without_worker(
    trial: Trial, campaign: Any, *, chunks: int, messages: Iterator[Mapping[str, Any]] | None = None
) -> str:
    trial_environment = trial.trial_environment
    trial_environment.processes.end(WORKER)
    trial.cleanup.callback(trial_environment.processes.start_worker)
    campaign_id = trial.enqueue_without_a_wake_up(campaign, messages)
    trial.prepare_chunks(campaign_id, chunks)
    return campaign_id


def _recovered(trial: Trial) -> None:
    """The gate is shut as a process shuts it that saw more, and an operator has the ledger recovered."""
    trial_environment = trial.trial_environment
    trial_environment.runtime.gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="make crash")
    trial.arm()
    trial_environment.processes.command(programs.recover_all, AUDITED_SECONDS)
    trial.afterwards = trial_environment.processes.start_worker


def named(scenario: Scenario) -> str:
    """Return how the table's second column goes on after "a campaign"."""
    return "" if scenario is a_campaign else scenario.__name__.replace("_", " ")
