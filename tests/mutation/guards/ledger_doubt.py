"""What the ledger asks before a doubt is settled, or anything falls into one."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

DOUBTS = "tests/ledger/test_doubts.py::test_"
HALF_OPEN = "tests/ledger/test_half_open_gate.py::test_"
BATCHES = "tests/ledger/test_batches.py::test_"
DENIED = "tests/worker/poll/test_denied.py::test_"
GOING_BACK = "tests/ledger/test_going_back.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "ledger/bsg_ledger/lua/absent.lua",
        (
            "absence settles nothing but doubt",
            "if state ~= 'unconfirmed' or attempts ~= ARGV[3] then",
            "if attempts ~= ARGV[3] then",
            "a duplicate window",
        ),
        (
            "absence speaks of the latest attempt",
            "if state ~= 'unconfirmed' or attempts ~= ARGV[3] then",
            "if state ~= 'unconfirmed' then",
            "a duplicate window",
            f"{BATCHES}evidence_of_an_earlier_attempt_says_nothing_about_a_later_one",
        ),
        (
            "a doubt is over by itself only if it was explained",
            "if explained == '1' then",
            "if true then",
            f"{BATCHES}without_a_duplicate_window_a_person_always_decides",
        ),
        (
            "absence settles a doubt within the duplicate window only",
            "if cancelled or NOW - number(first_intent) + number(ARGV[5]) < number(ARGV[4]) then",
            "if true then",
            f"{BATCHES}an_absent_batch_asks_for_a_person_after_the_duplicate_window",
        ),
        (
            "the wait before it is sent again counts too",
            "NOW - number(first_intent) + number(ARGV[5]) <",
            "NOW - number(first_intent) <",
            f"{BATCHES}a_wait_that_ends_beyond_the_duplicate_window_asks_for_a_person",
        ),
        (
            "what is absent beyond the window asks for a person",
            "ask_operator(campaign, batch, state, 'doubt', ARGV[7], ARGV[8] == '1')\n",
            "",
            f"{BATCHES}an_absent_batch_asks_for_a_person_after_the_duplicate_window",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/ask.lua",
        (
            "only what is in doubt asks for a person",
            "if state ~= 'unconfirmed' or attempts ~= ARGV[3] then",
            "if attempts ~= ARGV[3] then",
            f"{BATCHES}what_settles_or_asks_about_a_doubt_changes_nothing_else",
        ),
        (
            "a person is asked about the latest attempt only",
            "if state ~= 'unconfirmed' or attempts ~= ARGV[3] then",
            "if state ~= 'unconfirmed' then",
            f"{BATCHES}a_person_is_asked_about_the_latest_attempt_only",
        ),
        (
            "a person is asked only once the doubt is old enough",
            "if not asks and NOW - number(intent_at) < number(ARGV[4]) then return { 'unconfirmed' } end",
            "",
            f"{BATCHES}a_trace_that_does_not_fit_asks_for_a_person_once_the_doubt_is_old_enough",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/mistrust.lua",
        (
            "suspects of an earlier attempt explain nothing of a trace",
            "redis.call('HDEL', key, 'suspects')\n",
            "",
            f"{BATCHES}a_batch_that_is_mistrusted_while_it_waits_is_not_explained_by_an_earlier_no",
        ),
        (
            "only what waits is mistrusted",
            "if state ~= 'pending' or attempts ~= ARGV[3] then",
            "if attempts ~= ARGV[3] then",
            f"{GOING_BACK}a_batch_that_has_moved_on_is_not_put_in_doubt",
        ),
        (
            "a trace speaks of the latest attempt",
            "if state ~= 'pending' or attempts ~= ARGV[3] then",
            "if state ~= 'pending' then",
            f"{GOING_BACK}a_trace_of_an_earlier_attempt_says_nothing_of_a_later_one",
        ),
        (
            "what is mistrusted belongs to the account that looked",
            "stamp(campaign, ARGV[4])",
            "",
            f"{GOING_BACK}a_waiting_batch_of_which_bsg_has_a_trace_is_in_doubt",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/resolve_not_sent.lua",
        (
            "an explanation ends with its doubt",
            ", 'suspects', 'explained', 'unread_at'",
            ", 'unread_at'",
            f"{BATCHES}an_explanation_ends_with_its_doubt",
        ),
        (
            "only what BSG has no trace of, and as it was shown, is settled with others",
            "if ARGV[3] ~= '' and (",
            "if false and (",
            f"{DOUBTS}what_needs_no_operator_or_was_tried_since_is_not_settled_with_others",
        ),
        (
            "a trace that does not fit is not settled with others",
            "(asks ~= 'doubt' or no_trace ~= '1' or attempts",
            "(asks ~= 'doubt' or attempts",
            f"{DOUBTS}a_weak_absence_and_a_trace_that_does_not_fit_are_resolved_by_their_ids_alone",
        ),
        (
            "a batch that was tried since it was shown is not settled with others",
            " or attempts ~= ARGV[3]) then return { 'stale', state } end",
            ") then return { 'stale', state } end",
            f"{DOUBTS}what_needs_no_operator_or_was_tried_since_is_not_settled_with_others",
        ),
        (
            "a person settles nothing but what asks for one",
            (
                "if state ~= 'unconfirmed' and not (state == 'submitted' and asks == 'lost') then "
                "return { 'stale', state or '' } end"
            ),
            "",
            f"{BATCHES}what_settles_or_asks_about_a_doubt_changes_nothing_else",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/resolve_not_sent.lua",
        (
            "what BSG does not deny is never called not sent",
            "asks == 'lost'",
            "asks",
            f"{DENIED}what_bsg_says_nothing_of_use_about_is_never_sent_again",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/unread.lua",
        (
            "only what was submitted, and as that campaign, can be denied",
            "if state ~= 'submitted' or bsg_id ~= ARGV[3] then return { 'stale' } end",
            "",
            f"{BATCHES}a_denial_speaks_of_the_campaign_that_counts_only",
        ),
        (
            "a campaign that BSG has just named may not be shown yet",
            "math.max(number(redis.call('HGET', key, why .. '_at')), number(submitted_at))",
            "number(redis.call('HGET', key, why .. '_at'))",
            f"{DENIED}a_campaign_that_bsg_has_just_named_may_not_be_shown_yet",
        ),
        (
            "what BSG denies for a moment asks nobody",
            "if NOW - since < number(ARGV[5]) then",
            "if false then",
            f"{DENIED}a_campaign_that_bsg_denies_for_long_asks_for_an_operator",
        ),
        (
            "what BSG denies asks for an operator",
            "  ask_operator(campaign, batch, state, why, ARGV[6])\n",
            "",
            f"{DENIED}a_campaign_that_bsg_denies_for_long_asks_for_an_operator",
        ),
        (
            "a campaign is lost only when BSG says nothing else for long",
            "else redis.call('HDEL', key, 'lost_at') end",
            "end",
            f"{DENIED}another_answer_than_404_ends_the_denials_before_it",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/resolve_sent.lua",
        (
            "a person finishes nothing but what BSG denies",
            "if state ~= 'submitted' or not asks or bsg_id ~= ARGV[3] then",
            "if false then",
            f"{BATCHES}a_word_that_it_was_sent_finishes_nothing_but_what_bsg_denies",
        ),
        (
            "a person's word that BSG has it ends no stop that BSG may still obey",
            "if asks == 'lost' then",
            "if true then",
            f"{DENIED}what_was_cancelled_and_bsg_may_still_send_is_stopped_though_a_person_says_that_bsg_has_it",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/give_back.lua",
        (
            "what has left a room is not brought back into it",
            "'XX', NOW",
            "NOW",
            f"{BATCHES}what_has_left_a_room_is_not_given_back_to_it",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/take_back.lua",
        (
            "suspects of an earlier attempt explain nothing of a later one",
            "    redis.call('HDEL', batch_key(campaign, batch), 'suspects')\n",
            "",
            f"{BATCHES}suspects_of_an_earlier_attempt_explain_nothing_of_a_later_doubt[no answer]",
        ),
        (
            "a trial whose lease ran out shuts the gate again",
            "    trial_unanswered(ARGV[1], campaign, batch, token or '')\n",
            "",
            f"{HALF_OPEN}a_trial_without_a_clear_answer_shuts_the_gate_again_for_twice_as_long[lost lease]",
        ),
        (
            "a lease that lasts is not taken back",
            "'-inf', NOW, 'LIMIT'",
            "'-inf', '+inf', 'LIMIT'",
            f"{BATCHES}a_lease_that_lasts_is_not_taken_back",
        ),
        (
            "what may have been on the wire when its lease ran out is in doubt",
            "to_doubt(campaign, batch, 0, 'lease ran out on the wire')",
            "move_back(campaign, batch, NOW, 'lease ran out on the wire')",
            "a part, and a reject",
        ),
        (
            "a lease whose batch is gone is no longer there",
            "redis.call('ZREM', account_key(ARGV[1], 'leases'), id)",
            "",
            f"{BATCHES}a_lease_whose_batch_is_gone_keeps_no_other_from_being_taken_back",
        ),
    ),
)
