"""What is asked before a campaign moves from the account of one key to that of another."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

KEYS = "tests/ledger/test_keys.py::test_"
REKEY = "tests/worker/recovery/test_rekey.py::test_"
REKEYING = "tests/cli/test_rekeying.py::test_"
ACCESS = "tests/client/test_whose_token_it_is.py::test_"
STAYS = f"{KEYS}what_the_old_keys_account_has_or_may_have_does_not_move"
MOVES_WHOLE = f"{KEYS}all_of_it_moves_where_both_keys_are_of_one_account_at_bsg"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "ledger/bsg_ledger/lua/rekey.lua",
        (
            "what is on the wire for the old key does not move",
            "state == 'posting' or doubt == '1'",
            "doubt == '1'",
            STAYS,
        ),
        (
            "what is or was in doubt for the old key does not move",
            "state == 'posting' or doubt == '1' or bsg_id",
            "state == 'posting' or bsg_id",
            STAYS,
        ),
        (
            "what BSG has for the old key does not move",
            "doubt == '1' or bsg_id or others then",
            "doubt == '1' or others then",
            STAYS,
        ),
        (
            "what BSG had for the old key and denied does not move",
            "doubt == '1' or bsg_id or others then",
            "doubt == '1' or bsg_id then",
            STAYS,
        ),
        (
            "that two keys are of one account is proved, and not supposed where nobody knows",
            "local one_account = ARGV[6] ~= '' and bsg_account == ARGV[6]",
            "local one_account = (bsg_account or '') == ARGV[6]",
            STAYS,
        ),
        (
            "keys of two accounts at BSG are told apart",
            "ARGV[6] ~= '' and bsg_account == ARGV[6] and",
            "ARGV[6] ~= '' and",
            f"{KEYS}a_worker_moves_nothing_without_proof",
        ),
        (
            "what was enqueued for another address stays there",
            "if address and address ~= ARGV[5] then return { 'elsewhere' } end",
            "",
            f"{KEYS}what_was_begun_for_another_address_stays_there",
        ),
        (
            "nothing moves while a process has the old key",
            "if key_in_use(from) then return { 'in_use' } end",
            "",
            f"{KEYS}nothing_moves_while_a_process_has_the_old_key",
        ),
        (
            "by itself only what is proved moves",
            "if ARGV[7] == 'worker' and not one_account then return { 'unproved' } end",
            "",
            f"{KEYS}a_worker_moves_nothing_without_proof",
        ),
        (
            "what an older copy of the ledger takes for unsent does not move",
            "  if reason == 'ledger_went_back' then return { 'went_back' } end\n",
            "",
            f"{KEYS}what_an_older_copy_of_the_ledger_takes_for_unsent_moves_only_with_its_gate_shut",
        ),
        (
            "a gate that only a person opens stays shut for what moved",
            "if STANDING[reason] then shut_gate(",
            "if false then shut_gate(",
            f"{KEYS}the_kill_switch_of_the_old_key_holds_what_moved",
        ),
        (
            "a campaign moves once, and only that of the old key and name",
            "if owner ~= from or from == to or named ~= ARGV[4] then return { 'stale' } end",
            "",
            f"{KEYS}a_campaign_of_another_name_or_that_nobody_claimed_stays_what_it_is",
        ),
        (
            "what a dead worker of the old key had claimed waits again",
            "if state == 'claimed' then move_back(",
            "if false then move_back(",
            f"{KEYS}what_the_old_key_never_had_anything_of_moves",
            f"{KEYS}a_claim_of_the_old_key_sends_nothing_once_its_campaign_has_moved",
        ),
        (
            "leases, doubts and live batches move along",
            "if ROOM[state] then carry(ROOM[state], id) end",
            "",
            MOVES_WHOLE,
            "another key",
        ),
        (
            "whose a BSG campaign is moves along",
            "    redis.call('HSETNX', account_key(to, 'owners'), one, id)\n",
            "",
            MOVES_WHOLE,
            "another key",
        ),
        (
            "questions to an operator move along",
            "  carry('asks', id)\n",
            "",
            f"{KEYS}a_question_to_an_operator_is_asked_for_the_new_key",
        ),
        (
            "stops move along",
            "    carry('stops', one)\n",
            "",
            f"{KEYS}a_stop_goes_on_under_the_new_key",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/taken.lua",
        (
            "an id that comes late for the old key is recorded where its campaign is now",
            "local account = assigned and assigned ~= '' and assigned or ARGV[3]",
            "local account = ARGV[3]",
            f"{KEYS}an_id_that_comes_late_for_the_old_key_is_recorded_where_its_campaign_is_now",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/inherit.lua",
        (
            "only the key of the same account at BSG inherits",
            "'bsg_account') ~= ARGV[3] then return",
            "'bsg_account') == '' then return",
            f"{KEYS}the_new_key_knows_all_bsg_campaigns_of_the_old_one_before_any_campaign_moves",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/note_key.lua",
        (
            "a key is in use while a process notes it",
            "redis.call('ZADD', 'bsg:keys', NOW, ARGV[1])\n",
            "",
            f"{KEYS}nothing_moves_while_a_process_has_the_old_key",
        ),
        (
            "what a login told of a key is not forgotten for want of a token",
            "if ARGV[4] ~= '' then redis.call(",
            "if true then redis.call(",
            f"{KEYS}whose_a_key_is_stays_known_when_no_token_tells_it",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/lua/forget_key.lua",
        (
            "a key that a process has is not forgotten",
            "if not key_in_use(ARGV[1]) then",
            "if true then",
            f"{KEYS}a_key_is_forgotten_unless_a_process_has_it",
        ),
    ),
    *guards_of(
        "client/bsg_client/access.py",
        (
            "a token that does not say whose it is proves nothing",
            '    if isinstance(number, bool) or not isinstance(number, (int, str)) or not number:\n        return ""\n',
            "",
            f"{ACCESS}a_token_that_does_not_say_whose_it_is_proves_nothing",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/recovery/rekey.py",
        (
            "a dead worker's request is in doubt before its campaign moves",
            "    while ledger.batches.take_back(old, at_most=LEASES_AT_ONCE):\n",
            "    while False:\n",
            f"{REKEYING}a_dead_workers_request_needs_an_operators_word_before_it_moves",
        ),
    ),
    *guards_of(
        "cli/bsg_cli/rekeying.py",
        (
            "nothing moves to a key that BSG does not take",
            "        _check_key(runtime)\n",
            "",
            f"{REKEYING}rekey_to_a_key_that_bsg_does_not_take_moves_nothing",
        ),
    ),
)
