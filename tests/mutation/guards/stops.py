"""What keeps a cancelled campaign from being sent: a stop is repeated until BSG calls the campaign final."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

STOPS = "tests/worker/upkeep/test_stops.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "ledger/bsg_ledger/lua/stop_refused.lua",
        (
            "a stop that is over is not brought back",
            "if not redis.call('ZSCORE', stops, bsg_id) then return { 'stale' } end",
            "",
            "tests/ledger/test_batches.py::test_a_stop_that_is_over_is_neither_refused_nor_denied",
        ),
        (
            "a refused stop is tried again soon",
            "redis.call('ZADD', stops, NOW + math.floor(wait), bsg_id)",
            "",
            f"{STOPS}the_next_try_comes_within_two_seconds_while_bsg_creates_and_later_when_it_does_not",
        ),
        (
            "a refused stop is tried again for ever, if less often",
            "math.min(math.max(number(ARGV[4]), (NOW - number(since)) / 60), LONGEST_STOP_WAIT)",
            "math.max(number(ARGV[4]), (NOW - number(since)) / 60)",
            f"{STOPS}a_stop_that_was_refused_for_an_hour_is_tried_less_often_and_never_given_up",
        ),
        (
            "a refusal ends the denials before it",
            "redis.call('HDEL', refusals, bsg_id .. ':denied')\n",
            "",
            "tests/ledger/test_batches.py::test_a_stop_is_given_up_only_after_denials_in_a_row",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/stop_denied.lua",
        (
            "a stop that is over is not given up",
            "if not redis.call('ZSCORE', stops, bsg_id) then return { 'stale' } end",
            "",
            "tests/ledger/test_batches.py::test_a_stop_that_is_over_is_neither_refused_nor_denied",
        ),
        (
            "a stop that BSG denies is tried again at first",
            "if id and NOW - number(redis.call('HGET', refusals, bsg_id .. ':denied')) < number(ARGV[3]) then",
            "if false then",
            f"{STOPS}a_stop_that_bsg_denies_is_tried_again_at_first",
        ),
        (
            "a stop that BSG denies for long ends",
            "redis.call('ZREM', stops, bsg_id)\n",
            "",
            f"{STOPS}a_stop_that_bsg_denies_again_and_again_ends_as_an_alarm_and_asks_an_operator",
        ),
        (
            "a stop that is given up is an alarm",
            "redis.call('HINCRBY', 'bsg:ledger', 'alarms', 1)\n",
            "",
            f"{STOPS}a_stop_that_bsg_denies_again_and_again_ends_as_an_alarm_and_asks_an_operator",
        ),
        (
            "a stop that is given up asks an operator",
            "  ask_operator(campaign, batch, state, 'unstopped', ARGV[5])\n",
            "",
            f"{STOPS}a_stop_that_bsg_denies_again_and_again_ends_as_an_alarm_and_asks_an_operator",
        ),
        (
            "a stop is given up once, not over and over",
            "redis.call('HSET', batch_key(campaign, batch), 'unstopped:' .. bsg_id, NOW)\n",
            "",
            f"{STOPS}an_operator_is_asked_for_as_long_as_the_campaign_is_not_over_at_bsg",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/note_funds.lua",
        (
            "the balance is noted beside what is queued",
            ", 'queued_cost', ARGV[4]",
            ", 'queued_cost', '0'",
            "tests/worker/upkeep/test_funds_watch.py::test_a_balance_that_does_not_cover_what_is_queued_is_told",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/rekey.lua",
        (
            "what BSG holds moves along",
            "  for _, index in pairs(HELD_AT_BSG) do carry(index, id) end\n",
            "",
            "tests/ledger/test_keys.py::test_what_bsg_holds_is_told_for_the_new_key",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/polled.lua",
        (
            "what was cancelled and is not final at BSG is to be stopped",
            "  order_stop(campaign, batch, account, bsg_id)\n",
            "",
            f"{STOPS}a_poll_puts_down_again_what_was_cancelled_and_is_not_final_at_bsg",
        ),
        (
            "what is final at BSG is not stopped",
            "not FINAL_AT_BSG[status] and",
            "",
            f"{STOPS}a_poll_puts_nothing_down_that_was_not_cancelled_or_is_final",
        ),
        (
            "what nobody cancelled is not stopped",
            "  and redis.call('HGET', campaign_key(campaign), 'cancelled') == '1'\n",
            "",
            f"{STOPS}a_poll_puts_nothing_down_that_was_not_cancelled_or_is_final",
        ),
        (
            "an operator is asked about a stop that was given up, whatever else BSG shows",
            "if not given_up then -- BSG does know it",
            "if true then",
            f"{STOPS}an_operator_is_asked_for_as_long_as_the_campaign_is_not_over_at_bsg",
        ),
        (
            "a stop that was given up is tried again once BSG knows the campaign again",
            "if given_up and redis.call('HEXISTS', key, 'lost_at') == 1 then given_up = false end\n",
            "",
            f"{STOPS}a_stop_that_was_given_up_is_tried_again_once_bsg_knows_the_campaign_again",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/upkeep/stops.py",
        (
            "a stop is over only when BSG calls the campaign final",
            "        if status not in FINAL:\n            self._put_off(bsg_id, status)\n            return False\n",
            "",
            f"{STOPS}four_campaigns_that_bsg_refuses_to_stop_in_creation_are_stopped_when_it_lets",
        ),
        (
            "while BSG creates the next try comes soon",
            "AGAIN_IN_CREATION_SECONDS if status == CREATION else AGAIN_SECONDS",
            "AGAIN_SECONDS",
            f"{STOPS}the_next_try_comes_within_two_seconds_while_bsg_creates_and_later_when_it_does_not",
        ),
        (
            "a list that is behind keeps no stop back for long",
            "if listed.get(bsg_id) == CREATION])[1:]",
            "if listed.get(bsg_id) == CREATION])",
            f"{STOPS}many_that_are_in_creation_cost_a_pass_one_list_and_one_stop",
        ),
        (
            "what a pass leaves is due at once",
            "        if self._left:\n",
            "        if False:\n",
            f"{STOPS}a_pass_that_takes_too_long_leaves_the_rest_due",
        ),
    ),
)
