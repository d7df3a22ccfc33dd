"""What all scripts of the ledger share: the fence, the doubt, the gate, the way back."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

HALF_OPEN = "tests/ledger/test_half_open_gate.py::test_"
BATCHES = "tests/ledger/test_batches.py::test_"
GOING_BACK = "tests/ledger/test_going_back.py::test_"
CAMPAIGNS = "tests/ledger/test_campaigns.py::test_"
ENDS = "tests/ledger/test_ends.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "ledger/bsg_ledger/lua/common.lua",
        (
            "the account that had something of a campaign first is its account for good",
            "if owner ~= '' then return end",
            "",
            f"{CAMPAIGNS}a_batch_that_is_put_in_doubt_leaves_its_campaign_with_its_own_account",
        ),
        (
            "a paused campaign has no place among those that are due",
            "if batch and redis.call('HGET', campaign_key(campaign), 'paused') ~= '1' then",
            "if batch then",
            "a person cancels and pauses",
        ),
        (
            "a campaign is not closed while BSG still sends some of it",
            "if unsent == 0 and number(redis.call('HGET', key, 'messages:submitted')) == 0 then",
            "if unsent == 0 then",
            "messages dropped",
        ),
        (
            "a campaign is not closed while some of it is unsent",
            "if unsent == 0 and number(",
            "if number(",
            "messages dropped",
        ),
        (
            "each end of a campaign is told once",
            "if before == now then return end",
            "",
            f"{ENDS}a_campaign_ends_with_the_last_of_its_batches",
        ),
        (
            "an end that is taken back is no end any more",
            "if now then redis.call('HSET', key, 'ended', now) else redis.call('HDEL', key, 'ended') end",
            "if now then redis.call('HSET', key, 'ended', now) end",
            f"{ENDS}a_retry_opens_it_again_and_it_ends_again",
        ),
        (
            "a lease's token ends with the lease",
            "if ROOM[to] ~= 'leases' then redis.call('HDEL', key, 'token', 'lease_until') end",
            "",
            "a part, and a reject",
            "messages dropped",
        ),
        (
            "what comes back in a cancelled campaign is not sent again",
            "if cancelled == '1' then\n    move(",
            "if false then\n    move(",
            "a person cancels and pauses",
        ),
        (
            "what comes back after the deadline is not sent again",
            "elseif number(deadline) <= NOW then\n    move(",
            "elseif false then\n    move(",
            f"{BATCHES}a_deadline_that_passes_after_the_claim_expires_the_batch",
        ),
        (
            "the fence asks for the state",
            "return now_state == state and now_token == token",
            "return now_token == token",
            f"{BATCHES}a_batch_on_the_wire_is_not_given_back_as_if_nothing_had_left",
        ),
        (
            "the fence asks for the token",
            "return now_state == state and now_token == token",
            "return now_state == state",
            "two workers",
        ),
        (
            "an earlier attempt in doubt is remembered",
            "return redis.call('HGET', batch_key(campaign, batch), 'doubt') == '1'",
            "return false",
            "a duplicate window",
        ),
        (
            "what is in doubt stays on record as such",
            "redis.call('HSET', batch_key(campaign, batch), 'doubt', '1')",
            "",
            "messages dropped",
        ),
        (
            "a reject that is told twice counts once",
            "if redis.call('ZCOUNT', rejects, ARGV[i], ARGV[i]) == 0 then",
            "if true then",
            f"{BATCHES}a_reject_that_is_told_twice_counts_once",
        ),
        (
            "a gate that was shut is shut",
            (
                "local function gate_shut(account) return redis.call('HGET', account_key(account, "
                "'gate'), 'state') == 'shut' end"
            ),
            "local function gate_shut(account) return false end",
            "an account closed",
        ),
        (
            "an operator is asked the same once",
            "if asks ~= kind or before ~= why then record_event",
            "if true then record_event",
            "tests/ledger/test_doubts.py::test_the_history_tells_what_is_asked_once_and_anew_when_it_changes",
        ),
        (
            "only its trial decides on a half-open gate",
            "'trial') == batch_id(campaign, batch) .. ':' .. token",
            "'trial') ~= ''",
            f"{HALF_OPEN}only_the_trial_decides",
        ),
        (
            "a claim that was lost keeps no other from its trial",
            "(state == 'claimed' and number(lease_until) > NOW)",
            "state == 'claimed'",
            f"{HALF_OPEN}what_says_nothing_of_bsg_leaves_the_gate_half_open_for_the_next_trial[lost claim]",
        ),
        (
            "a gate that doubts have shut is not probed at once",
            "'backoff', backoff, 'probe_at', NOW + backoff)",
            "'backoff', backoff)",
            f"{HALF_OPEN}the_first_doubts_shut_the_gate_for_a_while_before_any_probe",
        ),
        (
            "doubts are not over for what else shuts a half-open gate",
            "elseif tried == 0 then",
            "else",
            f"{HALF_OPEN}what_shuts_a_half_open_gate_otherwise_leaves_the_doubts_to_a_trial",
        ),
        (
            "a ledger that went back covers an operator's word",
            "(before == 'operator' and reason == 'ledger_went_back') or (",
            "(",
            f"{GOING_BACK}an_operators_word_comes_back_once_the_ledger_is_adopted",
        ),
        (
            "an operator's word is noted while a ledger that went back covers it",
            " or (before == 'ledger_went_back' and reason == 'operator') then",
            " then",
            f"{GOING_BACK}an_operators_word_comes_back_once_the_ledger_is_adopted",
        ),
        (
            "a ledger that went back stands over an operator's word",
            "if before and (before == 'ledger_went_back' or not STANDING[reason]) then return false end",
            "if before and not STANDING[reason] then return false end",
            f"{GOING_BACK}an_operators_word_comes_back_once_the_ledger_is_adopted",
        ),
        (
            "an operator's word stands over what a probe opens",
            "if before and (before == 'ledger_went_back' or not STANDING[reason]) then return false end",
            "if before == 'ledger_went_back' then return false end",
            f"{BATCHES}an_operators_word_stands_over_any_other_reason",
        ),
        (
            "no probe opens what an operator shut",
            "local STANDING = { operator = true, ",
            "local STANDING = { ",
            f"{BATCHES}an_operators_word_stands_over_any_other_reason",
        ),
        (
            "no probe opens the gate of a ledger that went back",
            "local STANDING = { operator = true, ledger_went_back = true }",
            "local STANDING = { operator = true }",
            f"{GOING_BACK}no_probe_opens_the_gate_of_a_ledger_that_went_back",
        ),
        (
            "a ledger that lacks what a process saw of it has gone back",
            "return number(redis.call('GET', 'bsg:witness:' .. witness)) < number(seen)",
            "return false",
            f"{GOING_BACK}an_older_ledger_shuts_the_gate",
        ),
        (
            "a process leaves its mark in the ledger",
            "redis.call('SET', key, sequence, 'PX', WITNESS_KEPT)",
            "",
            f"{GOING_BACK}a_ledger_that_is_restored_as_it_was_seen_is_no_older_one",
        ),
        (
            "the mark of a process that lives does not vanish",
            "redis.call('PEXPIRE', key, WITNESS_KEPT)",
            "",
            f"{GOING_BACK}marks_of_processes_that_are_gone_vanish_and_those_of_the_living_stay",
        ),
    ),
)
