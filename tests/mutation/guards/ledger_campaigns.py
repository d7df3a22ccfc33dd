"""What the ledger asks before a campaign begins, is steered or is forgotten; its parts and its gate."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

BATCHES = "tests/ledger/test_batches.py::test_"
ACCEPTANCE = "tests/ledger/test_acceptance.py::test_"
PARTS = "tests/ledger/test_parts.py::test_"
GOING_BACK = "tests/ledger/test_going_back.py::test_"
CAMPAIGNS = "tests/ledger/test_campaigns.py::test_"
ENDS = "tests/ledger/test_ends.py::test_"
HALF_OPEN = "tests/ledger/test_half_open_gate.py::test_"
FAILURES = "tests/ledger/test_failures.py::test_"
GATE = "tests/ledger/test_gate.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "ledger/bsg_ledger/lua/accept.lua",
        (
            "repeating a commit whose answer was lost accepts nothing twice",
            "if known == campaign then return { 'accepted', campaign, messages } end",
            "",
            f"{ACCEPTANCE}repeating_a_commit_whose_answer_was_lost_answers_accepted",
        ),
        (
            "a known key stands for the campaign that has it",
            (
                "if known and digest == ARGV[3] then return { 'duplicate', known, messages } end\n"
                "if known then return { 'conflict', known } end"
            ),
            "",
            f"{ACCEPTANCE}the_same_key_with_the_same_content_answers_the_first_campaign",
        ),
        (
            "the idempotency digest: a known key with other content is no duplicate",
            "if known and digest == ARGV[3] then return",
            "if known then return",
            f"{ACCEPTANCE}the_same_key_with_other_content_is_a_conflict",
        ),
        (
            "a campaign is accepted only if all of its parts are there",
            (
                "if redis.call('EXISTS', part_key(campaign, part) .. ':messages') == 0 then return { "
                "'missing', part } end"
            ),
            "",
            f"{ACCEPTANCE}the_commit_fails_unless_every_part_is_there",
        ),
        (
            "a ledger keeps the name that it has",
            "redis.call('HSETNX', 'bsg:ledger'",
            "redis.call('HSET', 'bsg:ledger'",
            f"{ACCEPTANCE}a_ledger_keeps_the_name_that_its_first_campaign_gave_it",
        ),
        (
            "an accepted campaign's messages do not vanish",
            "redis.call('PERSIST', part_key(campaign, part) .. ':messages')",
            "",
            f"{ACCEPTANCE}parts_vanish_by_themselves_before_the_commit_and_stay_after_it",
        ),
        (
            "a key is remembered with its campaign",
            ("redis.call('HSET', idempotency, 'campaign', campaign, 'digest', ARGV[3], 'messages', ARGV[4])"),
            "",
            f"{ACCEPTANCE}the_same_key_with_the_same_content_answers_the_first_campaign",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/lease_part.lua",
        (
            "a part that is leased or waits is not leased",
            "if at > NOW then return { 'none', at } end",
            "",
            f"{PARTS}a_leased_part_is_not_leased_twice",
        ),
        (
            "a lease that a part lost is counted",
            "losses = redis.call('HINCRBY', key, 'losses', 1)",
            "losses = 0",
            f"{PARTS}a_part_that_lost_five_leases_fails_and_its_messages_become_rejects",
        ),
        (
            "a part that loses its leases again and again is given up",
            "if number(losses) < number(ARGV[4]) then",
            "if true then",
            f"{PARTS}a_part_that_lost_five_leases_fails_and_its_messages_become_rejects",
        ),
        (
            "the sweep does not ring for what has been rung for",
            "if next_at <= NOW then redis.call('ZADD', 'bsg:prepare', NOW + ARGV[5], campaign) end",
            "",
            f"{PARTS}the_sweep_trusts_that_the_next_part_has_been_rung_for_as_long_as_its_patience_lasts",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/prepared.lua",
        (
            "a part is committed by the lease's holder alone",
            "if token ~= ARGV[3] or number",
            "if number",
            f"{PARTS}a_part_that_another_prepares_is_neither_given_back_nor_committed",
        ),
        (
            "a part is committed while the lease lasts",
            " or number(lease_until) <= NOW then return",
            " then return",
            f"{PARTS}a_result_that_comes_after_the_lease_is_discarded",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/release_part.lua",
        (
            "a part is given back by the lease's holder alone",
            ("if redis.call('HGET', part_key(campaign, part), 'token') ~= ARGV[3] then return { 'stale' } end"),
            "",
            f"{PARTS}a_part_that_another_prepares_is_neither_given_back_nor_committed",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/note_failure.lua",
        (
            "failures after a quiet time are a new spell",
            "if NOW - last > number(ARGV[4]) then",
            "if last == 0 then",
            f"{FAILURES}after_a_quiet_time_a_failure_begins_a_new_spell",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/pause.lua",
        (
            "a pause asks whether the campaign is known",
            "if not before then return { 'gone' } end",
            "",
            f"{CAMPAIGNS}a_campaign_that_nobody_knows_is_told_as_gone",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/end_unsent.lua",
        (
            "a cancel asks whether the campaign is known",
            "if not parts then return { 'gone' } end",
            "",
            f"{CAMPAIGNS}a_campaign_that_nobody_knows_is_told_as_gone",
        ),
        (
            "nothing expires before its deadline",
            "if to == 'expired' and number(deadline) > NOW then return { 'early' } end",
            "",
            f"{CAMPAIGNS}nothing_expires_before_its_deadline",
        ),
        (
            "a cancel stands on record",
            "if to == 'cancelled' then redis.call('HSET', key, 'cancelled', '1') end",
            "",
            f"{BATCHES}a_late_id_of_a_cancelled_campaign_is_stopped_at_bsg",
        ),
        (
            "a campaign that has ended does not wait to be cancelled",
            "if to == 'cancelled' and not before then",
            "if to == 'cancelled' then",
            f"{ENDS}a_cancel_that_leaves_nothing_ends_it_at_once",
        ),
        (
            "a cancel takes parts from whoever prepares them",
            (
                "  redis.call('HSET', part_key(campaign, part), 'state', to)\n"
                "  redis.call('HDEL', part_key(campaign, part), 'token', 'lease_until')"
            ),
            "",
            f"{PARTS}a_part_cancelled_while_it_is_prepared_stays_cancelled",
        ),
        (
            "a claimed batch ends with a cancel",
            "if state == 'pending' or state == 'claimed' then",
            "if state == 'pending' then",
            f"{BATCHES}a_cancel_after_the_claim_ends_the_batch_unsent",
        ),
        (
            "what may be on the wire does not end with a cancel",
            "if state == 'pending' or state == 'claimed' then",
            "if state == 'pending' or state == 'claimed' or state == 'posting' then",
            "a person cancels and pauses",
        ),
        (
            "what is in doubt does not end with a cancel",
            "if state == 'pending' or state == 'claimed' then",
            "if state == 'pending' or state == 'claimed' or state == 'unconfirmed' then",
            "a person cancels and pauses",
        ),
        (
            "what is at BSG is to be stopped after a cancel",
            "if to == 'cancelled' and state == 'submitted' then",
            "if false then",
            "a person cancels and pauses",
        ),
        (
            "a deadline stops nothing that is at BSG",
            "if to == 'cancelled' and state == 'submitted' then",
            "if state == 'submitted' then",
            f"{CAMPAIGNS}a_deadline_stops_nothing_that_bsg_has",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/retry.lua",
        (
            "a retry asks whether the campaign is known",
            "if not parts then return { 'gone' } end",
            "",
            f"{CAMPAIGNS}a_campaign_that_nobody_knows_is_told_as_gone",
        ),
        (
            "a cancelled campaign is not retried",
            "if cancelled == '1' then return { 'cancelled' } end",
            "",
            f"{BATCHES}a_cancelled_campaign_is_not_retried",
        ),
        (
            "a retry asks for the deadline",
            "if number(deadline) <= NOW then return { 'late' } end",
            "",
            f"{BATCHES}a_retry_after_the_deadline_needs_a_new_one",
        ),
        (
            "a batch of which nothing is left is not retried",
            " and number(size) > 0 then",
            " then",
            f"{CAMPAIGNS}a_batch_of_which_nothing_is_left_is_not_retried",
        ),
        (
            "a batch whose body is forgotten is not retried",
            (
                "    if redis.call('EXISTS', batch_key(campaign, batch) .. ':messages') == 0 then "
                "return { 'forgotten' } end\n"
            ),
            "",
            f"{CAMPAIGNS}a_batch_whose_body_was_forgotten_is_not_retried",
        ),
        (
            "a part whose messages are forgotten is not retried",
            "    and redis.call('EXISTS', part_key(campaign, part) .. ':messages') == 0 then",
            "    and false then",
            f"{BATCHES}a_retry_of_a_part_whose_messages_were_forgotten_says_so",
        ),
        (
            "a retry looks at BSG first where an attempt is in doubt",
            "  if in_doubt(campaign, batch) then",
            "  if false then",
            f"{BATCHES}a_retry_of_what_may_have_been_taken_looks_at_bsg_first",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/forget.lua",
        (
            "nothing is forgotten of a campaign that is open",
            "if not redis.call('ZSCORE', 'bsg:closed', campaign) then return { 'open' } end",
            "",
            f"{BATCHES}a_closed_campaign_forgets_its_bodies_and_then_everything",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/gate.lua",
        (
            "a probe does not open what a person has to open",
            "  if STANDING[reason] then return { 'shut' } end\n",
            "",
            f"{GOING_BACK}no_probe_opens_the_gate_of_a_ledger_that_went_back",
        ),
        (
            "a probe opens a gate only while it is shut",
            "elseif ARGV[2] == 'reopen' and gate_shut(ARGV[1]) then",
            "elseif ARGV[2] == 'reopen' then",
            f"{HALF_OPEN}a_probe_opens_nothing_that_is_not_shut_any_more",
        ),
        (
            "a read alone opens no gate that doubts have shut",
            "if after_doubts or ARGV[3] == 'trial' then",
            "if ARGV[3] == 'trial' then",
            f"{HALF_OPEN}after_doubts_a_probe_opens_the_gate_half_only",
        ),
        (
            "only a shut gate is probed",
            "if state ~= 'shut' or number(probe_at) > NOW then",
            "if number(probe_at) > NOW then",
            f"{GATE}a_shut_gate_is_probed_no_oftener_than_asked",
        ),
        (
            "a gate is probed no oftener than asked",
            "if state ~= 'shut' or number(probe_at) > NOW then",
            "if state ~= 'shut' then",
            f"{GATE}a_shut_gate_is_probed_no_oftener_than_asked",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/look.lua",
        (
            "an older ledger shuts the gate",
            "for i = 3, back and #ARGV or 0 do",
            "for i = 3, 0 do",
            f"{GOING_BACK}an_older_ledger_shuts_the_gate",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/adopted.lua",
        (
            "a gate that is open already is told as open",
            "if not gate_shut(ARGV[1]) then return { 'open' } end",
            "",
            f"{GATE}adopting_finds_a_gate_open_that_a_person_opened_meanwhile",
        ),
        (
            "adopting opens only what a ledger that went back has shut",
            "if reason ~= 'ledger_went_back' then return { 'shut' } end",
            "",
            f"{GOING_BACK}an_adopted_ledger_opens_nothing_that_was_shut_for_another_reason",
        ),
        (
            "an operator's word comes back when the ledger is adopted",
            "if covered then",
            "if false then",
            f"{GOING_BACK}an_operators_word_comes_back_once_the_ledger_is_adopted",
        ),
    ),
)
