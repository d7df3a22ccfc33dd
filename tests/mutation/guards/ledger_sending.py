"""What the ledger asks before anything leaves."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

BATCHES = "tests/ledger/test_batches.py::test_"
GOING_BACK = "tests/ledger/test_going_back.py::test_"
HALF_OPEN = "tests/ledger/test_half_open_gate.py::test_"
CAMPAIGNS = "tests/ledger/test_campaigns.py::test_"
COST = "tests/worker/submit/test_hours_and_cost.py::test_"
SUPPRESSED = "tests/worker/submit/test_suppressed.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "ledger/bsg_ledger/lua/claim.lua",
        (
            "a bell that is answered is no longer on its way",
            "redis.call('ZREM', key .. ':rung', ARGV[2])",
            "",
            f"{CAMPAIGNS}a_bell_that_is_answered_makes_room_for_another",
        ),
        (
            "a claim asks whether the campaign is known",
            "if not envelope then return { 'gone' } end",
            "",
            f"{CAMPAIGNS}a_campaign_that_nobody_knows_is_told_as_gone",
        ),
        (
            "a claim leaves another account's campaign alone",
            "if owner ~= account and (owner ~= '' or named ~= ARGV[6]) then return left_alone('foreign') end",
            "if owner == '' and named ~= ARGV[6] then return left_alone('foreign') end",
            f"{BATCHES}the_first_claim_stamps_the_campaign_and_other_accounts_leave_it_alone",
        ),
        (
            "a first claim is for the account that the campaign was accepted for",
            "if owner ~= account and (owner ~= '' or named ~= ARGV[6]) then return left_alone('foreign') end",
            "if owner ~= account and owner ~= '' then return left_alone('foreign') end",
            f"{BATCHES}a_campaign_is_claimed_first_for_the_account_that_it_was_accepted_for",
        ),
        (
            "what was rung for and not claimed is due again",
            "  refresh_due(campaign)\n  return { why }",
            "  return { why }",
            f"{BATCHES}a_bell_that_was_rung_in_vain_leaves_the_campaign_due",
        ),
        (
            "a claim asks for a cancel",
            "if cancelled == '1' then return { 'cancelled' } end",
            "",
            f"{CAMPAIGNS}a_cancelled_campaign_says_so_to_whoever_comes_for_it",
        ),
        (
            "a claim asks for a pause",
            "if paused == '1' then return { 'paused' } end",
            "",
            "a person cancels and pauses",
        ),
        (
            "a claim asks for the gate",
            "if gate_shut(account) or (half_open and trial_runs(account)) then return left_alone('gate') end",
            "if half_open and trial_runs(account) then return left_alone('gate') end",
            "an account closed",
        ),
        (
            "a half-open gate lets one batch be claimed at a time",
            "if gate_shut(account) or (half_open and trial_runs(account)) then return left_alone('gate') end",
            "if gate_shut(account) then return left_alone('gate') end",
            f"{HALF_OPEN}one_batch_alone_is_claimed_while_the_gate_is_half_open",
        ),
        (
            "a half-open gate knows which batch it has let through",
            "    if half_open then redis.call('HSET', account_key(account, 'gate'), 'trial', batch_id(campaign, batch) "
            ".. ':' .. ARGV[4]) end\n",
            "",
            f"{HALF_OPEN}one_batch_alone_is_claimed_while_the_gate_is_half_open",
        ),
        (
            "a claim keeps to the campaign's window",
            "if redis.call('ZCARD', key .. ':leases') >= number(window) then return { 'full' } end",
            "",
            f"{CAMPAIGNS}a_claim_keeps_to_the_campaigns_window",
        ),
        (
            "a batch that backs off is not claimed before its time",
            "if at > NOW and number(deadline) > NOW then",
            "if false then",
            f"{BATCHES}a_batch_that_backs_off_is_not_claimed_before_its_time",
        ),
        (
            "nothing is claimed after the deadline",
            "  if number(deadline) > NOW then\n    local answer",
            "  if true then\n    local answer",
            f"{CAMPAIGNS}a_claim_after_the_deadline_ends_the_batch_unsent",
        ),
        (
            "a batch that would pass the campaign's cap is not claimed",
            "if answer ~= 'yes' then",
            "if false then",
            f"{COST}a_campaign_pauses_before_its_next_batch_would_pass_its_cap",
        ),
        (
            "until a price is known the other batches wait",
            "if answer == 'wait' then return { 'full' } end",
            "",
            f"{COST}until_the_first_batch_has_its_price_the_others_wait",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/common.lua",
        (
            "what is on its way counts as spent",
            "(on_the_way + unpriced + size)",
            "size",
            f"{COST}what_is_on_its_way_counts",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/pause.lua",
        (
            "a resume that the cap would undo at once changes nothing",
            "if answer ~= 'yes' and answer ~= 'wait' then return { 'capped', answer, total } end",
            "",
            f"{COST}a_resume_that_its_cap_would_pause_again_at_once_is_refused_with_the_cap_that_suffices",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/record_delivery_reports.lua",
        (
            "no delivery report is recorded of a campaign that is not there",
            "if campaign == '' or redis.call('EXISTS', campaign_key(campaign)) == 1 then",
            "if true then",
            "tests/producer/test_callbacks.py::"
            "test_a_campaign_that_is_forgotten_is_left_out_and_bsg_is_not_asked_to_try_again",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/common.lua",
        (
            "what was held against an older list is held against the new one",
            "if added > 0 then redis.call('HINCRBY', 'bsg:ledger', 'suppressions', 1) end",
            "",
            f"{SUPPRESSED}who_comes_onto_the_list_after_that_is_taken_out_before_the_batch_leaves",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/stop_list_page.lua",
        (
            "a page of BSG's stop list is suppressed as it is read",
            "suppress(ARGV[2], 5)",
            "0",
            "tests/worker/upkeep/test_stop_list.py::test_a_list_of_several_pages_is_read_whole",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/intent.lua",
        (
            "nothing leaves that was held against an older list of suppressed phones",
            "\n  or (suppressions() ~= number(ARGV[11]) and 'suppressed phones have changed')",
            "",
            f"{SUPPRESSED}who_comes_onto_the_list_while_the_batch_waits_for_its_turn_is_not_sent_to",
        ),
        (
            "whoever saw more than the ledger has sends nothing from it",
            "for i = 12, went_back(ARGV[9], ARGV[10]) and #ARGV or 0 do",
            "for i = 12, 0 do",
            f"{GOING_BACK}whoever_sent_a_batch_does_not_send_it_again_from_an_older_ledger",
        ),
        (
            "the intent asks for the lease's token",
            "if not held(campaign, batch, 'claimed', ARGV[3]) or number(",
            "if number(",
            "two workers",
        ),
        (
            "the intent asks whether the lease is over",
            " or number(redis.call('HGET', key, 'lease_until')) <= NOW then",
            " then",
            "a deadline, leases that run out early",
        ),
        (
            "the intent asks for the account",
            "(account ~= ARGV[4] and 'another account') or ",
            "",
            f"{BATCHES}an_intent_of_another_account_is_not_written",
        ),
        ("the intent asks for a pause", "(paused == '1' and 'paused') or ", "", "a person cancels and pauses"),
        ("the intent asks for the gate", " or (gate_shut(account) and 'gate shut')", "", "an account closed"),
        (
            "the intent of a batch that is not on trial is not written while the gate is half open",
            " or (gate_half_open(account) and not has_trial(account, campaign, batch, ARGV[3]) and 'gate half open')\n",
            "",
            f"{HALF_OPEN}what_was_claimed_before_does_not_leave_through_a_half_open_gate",
        ),
        (
            "the intent asks for a cancel",
            "if closed or cancelled == '1' or number(deadline) <= NOW then",
            "if closed or number(deadline) <= NOW then",
            f"{BATCHES}nothing_is_sent_of_a_cancelled_campaign_whatever_left_the_batch_claimed",
        ),
        (
            "the intent asks for the deadline",
            "if closed or cancelled == '1' or number(deadline) <= NOW then",
            "if closed or cancelled == '1' then",
            "a deadline, leases that run out early",
        ),
        (
            "what is in doubt is sent again within the duplicate window only",
            (
                "if in_doubt(campaign, batch) and NOW - number(redis.call('HGET', key, "
                "'first_intent_at')) >= number(ARGV[7]) then"
            ),
            "if false then",
            "a duplicate window",
            f"{BATCHES}a_batch_that_waited_beyond_the_window_is_not_sent_again",
        ),
        (
            "each attempt is counted",
            "redis.call('HINCRBY', key, 'attempts', 1)",
            "redis.call('HINCRBY', key, 'attempts', 0)",
            "a duplicate window",
            f"{BATCHES}evidence_of_an_earlier_attempt_says_nothing_about_a_later_one",
        ),
        (
            "the window counts from the first attempt in doubt",
            ("if not in_doubt(campaign, batch) then redis.call('HSET', key, 'first_intent_at', NOW) end"),
            "redis.call('HSET', key, 'first_intent_at', NOW)",
            f"{BATCHES}the_duplicate_window_counts_from_the_first_attempt_in_doubt",
        ),
        (
            "an attempt that was surely not taken begins no window",
            ("if not in_doubt(campaign, batch) then redis.call('HSET', key, 'first_intent_at', NOW) end"),
            "redis.call('HSETNX', key, 'first_intent_at', NOW)",
            f"{BATCHES}an_attempt_that_was_surely_not_taken_begins_no_duplicate_window",
        ),
        (
            "the lease begins anew with the intent",
            ", 'lease_until', NOW + ARGV[5])\nmove(campaign, batch, 'posting', NOW + ARGV[5],",
            ")\nmove(campaign, batch, 'posting', number(redis.call('HGET', key, 'lease_until')),",
            f"{BATCHES}the_lease_begins_anew_with_the_intent",
        ),
        (
            "whoever sends leaves its mark",
            "mark(ARGV[9]) }",
            "number(redis.call('HGET', 'bsg:ledger', 'sequence')) }",
            f"{GOING_BACK}a_process_that_sends_batch_after_batch_suspects_nothing",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/release.lua",
        (
            "a batch is given back by the lease's holder alone",
            "if not held(ARGV[1], ARGV[2], 'claimed', ARGV[3]) then return { 'stale' } end",
            "",
            f"{BATCHES}a_batch_that_another_holds_is_not_given_back",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/ring.lua",
        (
            "no bell rings for a paused campaign",
            "if not priority or paused == '1' or ",
            "if not priority or ",
            f"{CAMPAIGNS}no_bell_rings_for_a_paused_campaign_or_behind_a_shut_gate",
        ),
        (
            "no bell rings while the gate is shut",
            " or (account ~= '' and gate_shut(account)) then",
            " then",
            f"{CAMPAIGNS}no_bell_rings_for_a_paused_campaign_or_behind_a_shut_gate",
        ),
        (
            "nobody is called while a half-open gate has its trial",
            "if half_open and trial_runs(account) then return { priority } end",
            "",
            f"{HALF_OPEN}nobody_is_called_while_a_trial_runs_and_one_after_it[posting]",
        ),
        (
            "one is called while the gate is half open",
            "if half_open then room = math.min(room, 1 - on_their_way) end",
            "",
            f"{HALF_OPEN}nobody_is_called_while_a_trial_runs_and_one_after_it[posting]",
        ),
        (
            "a bell that nobody answered is forgotten",
            "redis.call('ZREMRANGEBYSCORE', rung, '-inf', NOW - patience)",
            "",
            f"{BATCHES}a_bell_that_nobody_answered_is_forgotten",
        ),
        (
            "bells and leases keep to the campaign's window",
            "for i = 1, math.min(room, due) do",
            "for i = 1, due do",
            f"{BATCHES}bells_and_leases_never_pass_the_campaigns_window",
        ),
        (
            "no more bells ring than batches are due",
            "for i = 1, math.min(room, due) do",
            "for i = 1, room do",
            f"{CAMPAIGNS}no_more_bells_ring_than_batches_are_due",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/due.lua",
        (
            "what one takes of a room is put off for the others",
            "redis.call('ZADD', room, NOW + ARGV[4], member)",
            "",
            f"{CAMPAIGNS}what_one_takes_of_a_room_is_put_off_for_the_others",
        ),
    ),
)
