"""What a worker asks before and after a POST; the rate limit."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

SUBMIT = "tests/worker/submit/test_submit.py::test_"
RECORDING = "tests/worker/submit/test_recording.py::test_"
LIMITER = "tests/ledger/test_limiter.py::test_"
COST = "tests/worker/submit/test_hours_and_cost.py::test_"
SUPPRESSED = "tests/worker/submit/test_suppressed.py::test_"
STOP_LIST = "tests/worker/upkeep/test_stop_list.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "worker/bsg_worker/upkeep/stop_list.py",
        (
            "only what was suppressed here goes to BSG, and only once",
            "if HERE in suppressed.sources and self._source not in suppressed.sources:",
            "if HERE in suppressed.sources:",
            f"{STOP_LIST}ours_goes_to_bsg_a_thousand_at_a_time_and_only_what_bsg_lacks",
        ),
        (
            "the offset follows what was read",
            "            offset += page.rows\n",
            "            offset += len(page.phones) + 500\n",
            f"{STOP_LIST}a_failure_puts_the_sync_off_and_the_next_goes_on",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/common.lua",
        (
            "a sync that changes nothing leaves the list as it was",
            "  if added > 0 then redis.call('HINCRBY', 'bsg:ledger', 'suppressions', 1) end\n  return added\n",
            "  redis.call('HINCRBY', 'bsg:ledger', 'suppressions', 1)\n  return added\n",
            f"{STOP_LIST}a_sync_that_changes_nothing_leaves_the_list_as_it_was_for_batches",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/suppress.lua",
        (
            "what is taken off while it is attached is not put back",
            "if redis.call('SISMEMBER', 'bsg:suppressed', ARGV[i]) == 1 then",
            "do redis.call('SADD', 'bsg:suppressed', ARGV[i])",
            f"{STOP_LIST}a_phone_that_is_taken_off_while_it_is_attached_is_not_put_back",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/submit/submit.py",
        (
            "a campaign's turn ends after a batch when others have had none",
            " or campaigns_wait(runtime):",
            ":",
            f"{SUBMIT}a_campaign_ends_its_turn_after_a_batch_when_others_have_had_none",
        ),
        (
            "a batch is held against the list of suppressed phones if that has changed",
            "if lease.held_against != lease.suppressions and",
            "if False and",
            f"{SUPPRESSED}who_comes_onto_the_list_after_that_is_taken_out_before_the_batch_leaves",
        ),
        (
            "nothing leaves outside of a campaign's hours",
            "if envelope.send_between is not None and (closed := _closed(envelope, _now(runtime))) > 0:",
            "if False:",
            f"{COST}a_batch_waits_for_its_hours_and_takes_no_slot",
        ),
        (
            "the intent is written before the POST",
            (
                "    try:\n"
                "        ready = _ready(runtime, lease, envelope)\n"
                "    except (NotDurable, RedisError):\n"
                "        # Nothing has left, whether or not the intent was written. Only this process "
                "knows: to others it is a doubt.\n"
                "        return _until_told(runtime, lambda: _withdrawn(runtime, lease, NOTHING_LEFT))\n"
                "    if isinstance(ready, Step):\n"
                "        return ready\n"
                "    begun = clock.monotonic()\n"
                "    outcome = no_access or runtime.client.send_individual(\n"
                "        body, ready.fields, lambda: _young(runtime, ready.intended_at)\n"
                "    )\n"
            ),
            (
                "    begun = clock.monotonic()\n"
                "    outcome = no_access or runtime.client.send_individual(body, {}, lambda: True)\n"
                "    ready = _ready(runtime, lease, envelope)\n"
                "    if isinstance(ready, Step):\n"
                "        return ready\n"
            ),
            f"{SUBMIT}what_must_not_be_sent_is_not_sent",
        ),
        (
            "nothing is sent of which the intent was not written",
            '    if state != "posting":\n        return Step(f"not sent: {state}")\n',
            "",
            f"{SUBMIT}what_must_not_be_sent_is_not_sent",
        ),
        (
            "nothing leaves before the intent is on disk",
            "    runtime.ledger.durability.settle()\n",
            "",
            f"{SUBMIT}an_intent_that_is_not_kept_on_disk_lets_nothing_leave_and_leaves_no_doubt",
        ),
        (
            "an intent whose answer is lost is taken back",
            "except (NotDurable, RedisError):",
            "except NotDurable:",
            f"{SUBMIT}an_intent_whose_answer_is_lost_is_taken_back_and_leaves_no_doubt",
        ),
        (
            "a request that a stall made miss its slot takes another",
            "if clock.monotonic() - slot_at > LATEST_SECONDS:",
            "if False:",
            f"{SUBMIT}a_stall_between_slot_and_request_brings_no_two_requests_closer_together_than_the_limit",
        ),
        (
            "nothing leaves once the intent is old",
            "lambda: _young(runtime, ready.intended_at)",
            "lambda: True",
            f"{SUBMIT}an_intent_that_has_grown_old_lets_nothing_leave",
        ),
        (
            "an exchange that begins ends well before the lease does",
            "runtime.settings.lease_seconds - 2 * runtime.settings.longest_exchange",
            "runtime.settings.lease_seconds",
            f"{SUBMIT}an_intent_that_has_grown_old_lets_nothing_leave",
        ),
        (
            "the token is there before the slot is taken",
            "no_access = runtime.client.without_access()",
            "no_access = None",
            f"{SUBMIT}a_slow_login_brings_no_two_requests_closer_together_than_the_limit",
        ),
        (
            "a slot is waited for",
            "    clock.sleep(slot.wait)\n",
            "",
            f"{SUBMIT}a_slow_login_brings_no_two_requests_closer_together_than_the_limit",
        ),
        (
            "a permit is given back",
            "        runtime.permits.release()  # before",
            "        pass  # before",
            f"{SUBMIT}a_process_has_no_more_requests_on_the_wire_than_it_has_permits",
        ),
        (
            "what BSG said is told to a Redis that is back",
            "except (RedisConnectionError, RedisTimeoutError):",
            "except ZeroDivisionError:",
            f"{SUBMIT}what_bsg_said_is_told_to_a_redis_that_is_back",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/runtime.py",
        (
            "a process has so many requests on the wire at most",
            "threading.BoundedSemaphore(settings.worker_in_flight)",
            "threading.BoundedSemaphore(1000)",
            f"{SUBMIT}a_process_has_no_more_requests_on_the_wire_than_it_has_permits",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/submit/recording.py",
        (
            "what was taken without a name is in doubt",
            ('    if campaign is None:\n        return _doubtful(runtime, lease, "taken without a campaign id")'),
            ('    if campaign is None:\n        return Recorded(runtime.ledger.batches.refused(lease, cause="taken"))'),
            f"{RECORDING}what_was_taken_under_no_name_or_another_batchs_is_in_doubt",
        ),
        (
            "what was taken as another batch's campaign is in doubt",
            (
                '    if state == "owned":\n'
                '        return _doubtful(runtime, lease, "BSG answered another batch\'s campaign")\n'
            ),
            "",
            f"{RECORDING}what_was_taken_under_no_name_or_another_batchs_is_in_doubt",
        ),
        (
            "a clear no is no doubt",
            "return Recorded(batches.refused(lease, cause=outcome.cause))",
            "return _doubtful(runtime, lease, outcome.cause)",
            f"{RECORDING}each_kind_leads_to_its_state",
        ),
        (
            "a doubt is not taken for a no",
            "return _doubtful(runtime, lease, outcome.cause, suspects, counts=not outcome.duplicate_notice)",
            "return Recorded(batches.refused(lease, cause=outcome.cause))",
            f"{RECORDING}each_kind_leads_to_its_state",
        ),
        (
            "a doubt is not taken for not taken",
            "return _doubtful(runtime, lease, outcome.cause, suspects, counts=not outcome.duplicate_notice)",
            "return Recorded(batches.not_taken(lease, delay_ms=0, cause=outcome.cause))",
            f"{RECORDING}each_kind_leads_to_its_state",
        ),
        (
            "a closed account shuts the gate",
            "            return Recorded(\n                batches.account_closed(",
            (
                '            return Recorded(batches.not_taken(lease, delay_ms=0, cause="closed")) or '
                "Recorded(\n"
                "                batches.account_closed("
            ),
            f"{RECORDING}each_kind_leads_to_its_state",
        ),
        (
            "no funds refuses no batch",
            "shuts_allowed=0 if reason is GateReason.NO_FUNDS else SHUTS_ALLOWED",
            "shuts_allowed=SHUTS_ALLOWED",
            f"{RECORDING}an_account_without_funds_refuses_no_batch_however_often",
        ),
        (
            "a throttled account cools down",
            "    runtime.submit_limiter.cool_down(wait)\n",
            "",
            f"{RECORDING}each_kind_leads_to_its_state",
        ),
        (
            "a duplicate notice is none of the doubts that shut the gate",
            "counts=not outcome.duplicate_notice",
            "counts=True",
            f"{RECORDING}duplicate_notices_cool_nobody_down_and_are_none_of_the_doubts_that_shut_the_gate",
        ),
        (
            "a wait that BSG asks for is bounded",
            "min(asked, LONGEST_COOL_DOWN)",
            "asked",
            f"{SUBMIT}a_wait_that_is_absurd_is_no_longer_than_the_longest_cool_down",
        ),
        (
            "rows that are none of ours are no rejects",
            "if not faults or not all(0 <= row < len(rows) for row in faults):",
            "if not faults:",
            f"{RECORDING}rows_that_are_none_of_ours_refuse_the_whole_batch",
        ),
        (
            "only the rows that were named are taken out",
            "rest, rest_rows = without(rows, indexes, set(faults), runtime.seal)",
            "rest, rest_rows = without(rows, indexes, set(), runtime.seal)",
            f"{RECORDING}named_rows_become_rejects_and_the_others_wait",
        ),
        (
            "doubts in a row shut the gate",
            "DOUBTS_ALLOWED = 5",
            "DOUBTS_ALLOWED = 500",
            f"{RECORDING}five_doubts_in_a_row_shut_the_gate_which_is_one_warning_in_the_log",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/limiter/reserve.lua",
        (
            "a slot that is too far off is not reserved",
            "if wait > longest then\n  return {0, wait}\nend",
            "",
            f"{LIMITER}a_low_rate_reserves_nothing_that_lies_further_away_than_the_longest_wait",
        ),
        (
            "a slot that is taken is taken",
            "arrival = math.max(arrival, start) + interval",
            "arrival = math.max(arrival, start)",
            f"{LIMITER}a_burst_goes_at_once_and_then_the_rate_holds",
        ),
        (
            "a cool-down holds everybody back",
            "math.max(now, cooled, arrival",
            "math.max(now, arrival",
            f"{LIMITER}a_cool_down_holds_back_everybody_under_both_limits",
        ),
        (
            "a burst is bounded",
            "arrival - (burst - 1) * interval)",
            "arrival - 1000 * interval)",
            f"{LIMITER}a_burst_goes_at_once_and_then_the_rate_holds",
        ),
        (
            "a clock that was set back blocks nobody",
            "  arrival = now\nend",
            "end",
            f"{LIMITER}a_clock_set_back_by_a_day_blocks_nobody",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/limiter/cool_down.lua",
        (
            "a cool-down is never shortened",
            "if wanted > standing then",
            "if true then",
            f"{LIMITER}a_cool_down_is_never_shortened",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/limiter.py",
        (
            "a cool-down ends after an hour",
            "min(max(seconds, 0.0), LONGEST_COOL_DOWN)",
            "max(seconds, 0.0)",
            f"{LIMITER}a_cool_down_of_a_year_ends_after_an_hour",
        ),
    ),
)
