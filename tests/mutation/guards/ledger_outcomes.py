"""What the ledger asks before it writes down what BSG said."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

BATCHES = "tests/ledger/test_batches.py::test_"
HALF_OPEN = "tests/ledger/test_half_open_gate.py::test_"
PROBE = "tests/worker/upkeep/test_probe.py::test_"
GATE = "tests/ledger/test_gate.py::test_"
EARLIER = "tests/ledger/test_earlier_attempts.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "ledger/bsg_ledger/lua/doubtful.lua",
        (
            "doubt is recorded by the lease's holder alone",
            "if not held(campaign, batch, 'posting', ARGV[3]) then return { 'stale' } end",
            "",
            "messages dropped",
        ),
        (
            "ids used before explain a no only while no earlier attempt is in doubt",
            "if ARGV[8] ~= '' and not in_doubt(campaign, batch) then",
            "if ARGV[8] ~= '' then",
            f"{BATCHES}a_no_for_known_ids_explains_nothing_of_an_earlier_doubt",
        ),
        (
            "a later doubt has no suspects of an earlier one",
            "  redis.call('HDEL', key, 'suspects')",
            "",
            f"{BATCHES}suspects_of_an_earlier_attempt_explain_nothing_of_a_later_doubt[an answer]",
        ),
        (
            "a trial in doubt shuts the gate again",
            "if allowed > 0 and ARGV[8] == '' then trial_unanswered(ARGV[4], campaign, batch, ARGV[3]) end",
            "",
            f"{HALF_OPEN}a_trial_without_a_clear_answer_shuts_the_gate_again_for_twice_as_long[doubt]",
        ),
        (
            "doubts in a row shut the gate",
            "  shut_gate(ARGV[4], 'doubts', batch_id(campaign, batch))",
            "",
            f"{BATCHES}doubtful_outcomes_in_a_row_shut_the_gate",
        ),
        (
            "a doubt that does not count shuts no gate",
            "if allowed > 0 and redis",
            "if redis",
            f"{BATCHES}a_doubt_that_does_not_count_shuts_no_gate",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/taken_earlier.lua",
        (
            "an earlier campaign is recorded only beside the one that the finding speaks of",
            " or before ~= ARGV[4] then return { 'stale' } end",
            " then return { 'stale' } end",
            f"{EARLIER}what_counts_for_another_batch_or_does_not_count_any_more_changes_nothing",
        ),
        (
            "an earlier campaign of another batch is none",
            "  if owner and owner ~= id then return { 'owned', owner } end\n",
            "",
            f"{EARLIER}what_counts_for_another_batch_or_does_not_count_any_more_changes_nothing",
        ),
        (
            "what has messages of its own is not stopped",
            "if ARGV[i + 1] == '1' or cancelled then order_stop",
            "if true then order_stop",
            f"{EARLIER}two_campaigns_that_share_a_batchs_messages_are_stopped_by_a_cancel_alone",
        ),
        (
            "what counts and is not final at BSG is not finished",
            "if changed and state == 'finished' and not FINAL_AT_BSG[ARGV[6]] then",
            "if false then",
            f"{EARLIER}an_earlier_campaign_that_is_not_final_at_bsg_is_stopped_by_a_cancel_though_the_later_one_is",
        ),
        (
            "what only repeats the campaign that counts is stopped",
            "if ARGV[i + 1] == '1' or cancelled then order_stop",
            "if cancelled then order_stop",
            f"{EARLIER}the_campaign_of_an_earlier_attempt_counts_and_the_later_one_that_repeats_it_is_stopped",
        ),
        (
            "the earlier campaign of a cancelled one is stopped",
            "if cancelled then order_stop(campaign, batch, account, counts) end\n",
            "",
            f"{EARLIER}the_campaign_of_an_earlier_attempt_of_a_cancelled_campaign_is_stopped",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/not_taken.lua",
        (
            "what was not taken is recorded by the lease's holder alone",
            "if not held(campaign, batch, 'posting', ARGV[3]) then return { 'stale' } end",
            "",
            "messages dropped",
            "two workers",
        ),
        (
            "a trial that BSG did not answer shuts the gate again",
            "if ARGV[10] == '1' then trial_unanswered(account_of(campaign), campaign, batch, ARGV[3]) end",
            "",
            f"{HALF_OPEN}a_trial_without_a_clear_answer_shuts_the_gate_again_for_twice_as_long[no answer]",
        ),
        (
            "a closed account is no limit to what was closed for all",
            "if number(ARGV[8]) > 0 and not gate_shut(ARGV[6]) then",
            "if not gate_shut(ARGV[6]) then",
            f"{GATE}a_closed_account_shuts_the_gate_and_refuses_no_batch_where_all_are_meant",
        ),
        (
            "a batch that shuts the gate once is not refused",
            "shuts >= number(ARGV[8]) and",
            "true and",
            f"{BATCHES}a_batch_that_shuts_the_gate_once_is_not_refused_though_a_probe_opened_it_before",
        ),
        (
            "a batch that comes upon a gate that is shut has not shut it",
            "if number(ARGV[8]) > 0 and not gate_shut(ARGV[6]) then",
            "if number(ARGV[8]) > 0 then",
            f"{BATCHES}batches_that_come_upon_a_gate_that_is_shut_have_not_shut_it",
        ),
        (
            "a gate that a person opened too early refuses no batch",
            "if probed and shuts",
            "if shuts",
            f"{BATCHES}a_gate_that_a_person_opened_too_early_refuses_no_batch",
        ),
        (
            "a batch in doubt is not refused for shutting the gate",
            "shuts >= number(ARGV[8]) and not in_doubt(campaign, batch) then",
            "shuts >= number(ARGV[8]) then",
            f"{BATCHES}a_clear_no_leaves_the_doubt_of_an_earlier_attempt",
        ),
        (
            "a closed account shuts the gate",
            "  shut_gate(ARGV[6], ARGV[7], batch_id(campaign, batch))",
            "",
            f"{GATE}a_closed_account_shuts_the_gate_and_refuses_no_batch_where_all_are_meant",
        ),
        (
            "not taken speaks for its own attempt only",
            "if in_doubt(campaign, batch) then\n  to_doubt",
            "if false then\n  to_doubt",
            f"{BATCHES}a_clear_no_leaves_the_doubt_of_an_earlier_attempt",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/refused.lua",
        (
            "a clear no is recorded by the lease's holder alone",
            "if not held(campaign, batch, 'posting', ARGV[3]) then return { 'stale' } end",
            "",
            "two workers",
        ),
        (
            "a clear no speaks for its own attempt only",
            "if in_doubt(campaign, batch) then",
            "if false then",
            f"{BATCHES}a_clear_no_leaves_the_doubt_of_an_earlier_attempt",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/rows_rejected.lua",
        (
            "refused rows are recorded by the lease's holder alone",
            "if not held(campaign, batch, ARGV[9], ARGV[3]) then return { 'stale' } end",
            "",
            "rows refused",
        ),
        (
            "refused rows speak for their own attempt only",
            "if in_doubt(campaign, batch) then",
            "if false then",
            f"{BATCHES}a_clear_no_leaves_the_doubt_of_an_earlier_attempt",
        ),
        (
            "a batch of which nothing is left is not sent",
            "if number(ARGV[7]) == 0 then",
            "if false then",
            f"{BATCHES}a_batch_of_which_every_row_is_refused_is_refused",
        ),
        (
            "what is sent again is without the refused rows",
            "redis.call('SET', key .. ':messages', ARGV[6])",
            "",
            f"{BATCHES}refused_rows_become_rejects_and_the_rest_waits_to_be_sent",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/taken.lua",
        (
            "an id of a batch that is gone is an alarm and makes no half record",
            "if redis.call('EXISTS', key) == 0 then\n",
            "if false then\n",
            f"{BATCHES}an_id_that_turns_up_for_a_forgotten_campaign_is_an_alarm_and_brings_nothing_back",
        ),
        (
            "a batch that was taken ends the row of doubts",
            "redis.call('HSET', account_key(ARGV[3], 'gate'), 'doubts', 0)",
            "",
            f"{BATCHES}a_taken_batch_ends_the_row_of_doubts",
        ),
        (
            "what a look-up finds ends no row of doubts and opens nothing",
            "if ARGV[10] ~= '' and answer[1] ~= 'owned' then",
            "if answer[1] ~= 'owned' then",
            f"{HALF_OPEN}what_a_look_up_finds_does_not_end_a_row_of_doubts",
        ),
        (
            "another batch's campaign is no clear answer to a trial",
            "if ARGV[10] ~= '' and answer[1] ~= 'owned' then",
            "if ARGV[10] ~= '' then",
            f"{HALF_OPEN}a_campaign_of_another_batch_is_no_clear_answer",
        ),
        (
            "a balance for which something was taken counts as untried",
            "  redis.call('HDEL', account_key(ARGV[3], 'gate'), 'tried_balance')\n",
            "",
            f"{PROBE}funds_that_are_used_up_and_added_again_open_the_gate_though_they_are_less_than_before",
        ),
        (
            "an id that is known changes nothing",
            "if first == bsg_id then return { 'known' } end",
            "",
            f"{BATCHES}an_id_that_is_known_changes_nothing",
        ),
        (
            "an id that another batch has is not taken",
            "if owner and owner ~= batch_id(campaign, batch) then return { 'owned', owner } end",
            "",
            f"{BATCHES}an_id_that_another_batch_owns_is_not_taken_for_this_one",
        ),
        (
            "a BSG campaign is known by its batch",
            "redis.call('HSET', account_key(account, 'owners'), bsg_id, batch_id(campaign, batch))",
            "",
            "messages dropped",
        ),
        (
            "a second id that is known is no further alarm",
            "    if not add_other(campaign, batch, bsg_id) then return { 'known' } end\n",
            "    add_other(campaign, batch, bsg_id)\n",
            f"{BATCHES}a_second_id_for_one_batch_is_recorded_stopped_and_an_alarm",
        ),
        (
            "a second id is recorded",
            "    if not add_other(campaign, batch, bsg_id) then return { 'known' } end\n",
            "",
            f"{BATCHES}a_second_id_for_one_batch_is_recorded_stopped_and_an_alarm",
        ),
        (
            "a second id is an alarm",
            "    redis.call('HINCRBY', 'bsg:ledger', 'alarms', 1)\n    order_stop(",
            "    order_stop(",
            f"{BATCHES}a_second_id_for_one_batch_is_recorded_stopped_and_an_alarm",
        ),
        (
            "a second id is stopped at BSG",
            "    order_stop(campaign, batch, account, bsg_id)\n    record_event",
            "    record_event",
            f"{BATCHES}a_second_id_for_one_batch_is_recorded_stopped_and_an_alarm",
        ),
        (
            "all campaigns of a batch are recorded, not the first alone",
            "for i = 11, #ARGV do",
            "for i = 11, 10 do",
            f"{BATCHES}both_campaigns_of_a_batch_that_was_sent_twice_are_recorded_in_one_step",
        ),
        (
            "a late id of a cancelled campaign is stopped at BSG",
            "if redis.call('HGET', campaign_key(campaign), 'cancelled') == '1' then",
            "if false then",
            "a person cancels and pauses",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/shrink.lua",
        (
            "messages become rejects of a batch that is in the same state",
            "if now_state ~= state or size ~= ARGV[4] then",
            "if size ~= ARGV[4] then",
            "ids used before",
        ),
        (
            "messages become rejects of a batch that has the same size",
            "if now_state ~= state or size ~= ARGV[4] then",
            "if now_state ~= state then",
            f"{BATCHES}dropped_messages_become_rejects_while_the_batch_stays",
        ),
        (
            "a no is explained only where its suspects are known",
            "if state == 'unconfirmed' and redis.call('HEXISTS', key, 'suspects') == 1 then",
            "if state == 'unconfirmed' then",
            f"{BATCHES}a_no_that_is_explained_for_a_doubt_without_suspects_settles_nothing",
        ),
        (
            "a batch of which nothing is left is refused",
            "if size == 0 and state == 'unconfirmed' then",
            "if false then",
            f"{BATCHES}a_doubtful_batch_of_which_every_id_was_used_before_is_refused",
        ),
        (
            "what is sent again is without the messages whose ids were used",
            "  redis.call('SET', key .. ':messages', ARGV[5])",
            "",
            f"{BATCHES}a_no_for_ids_that_were_used_before_is_over_when_they_are_out_and_no_trace_is_left",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/polled.lua",
        (
            "only what is at BSG is polled",
            "if state ~= 'submitted' and state ~= 'finished' then return { 'stale' } end",
            "",
            f"{BATCHES}only_what_is_at_bsg_is_polled_and_finishes_once",
        ),
        (
            "what is finished is not finished again",
            "if ARGV[4] == '1' and state == 'submitted' then",
            "if ARGV[4] == '1' then",
            f"{BATCHES}only_what_is_at_bsg_is_polled_and_finishes_once",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/stopped.lua",
        (
            "a stop is repeated until BSG has answered",
            "redis.call('ZREM', account_key(ARGV[1], 'stops'), ARGV[2]) == 1 and id",
            "redis.call('ZSCORE', account_key(ARGV[1], 'stops'), ARGV[2]) and id",
            f"{BATCHES}a_stop_is_due_again_until_it_is_answered",
        ),
        (
            "a stop that is answered for a forgotten campaign brings nothing back",
            " == 1 and id then",
            " == 1 then",
            f"{BATCHES}a_stop_that_is_answered_after_its_campaign_was_forgotten_brings_nothing_back",
        ),
    ),
)
