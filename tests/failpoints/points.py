"""The failpoints: the effects of each scenario at which `make crash` kills, before or after them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.failpoints import scenarios, stream_scenarios
from tests.failpoints.effects import ACCEPT_MESSAGES, NOTHING
from tests.failpoints.scenarios import Scenario

POINTS: Mapping[Scenario, tuple[str, ...]] = {
    scenarios.of_two_chunks: (
        "after script store_chunk",
        "after script accept",
        "after script dispatch: prepare",
        "after redis LPUSH dispatch.default",
        "after redis PEXPIRE staged",
        "before script prepared",
        "after script prepared",
        "after script add_prepared",
    ),
    scenarios.a_campaign: (
        "before script accept",
        "before script dispatch",
        "after script dispatch: prepare",
        "after script dispatch: send",
        "after sleep (after script dispatch: send)",
        "before POST send-individual",
        "after POST send-individual",
        "after script taken",
        "before redis HINCRBYFLOAT measured",
        "after redis HINCRBYFLOAT measured",
        "after script due: live",
        "after script reserve: status",
        "after sleep (after script reserve: status)",
        "after GET detail",
        "after script polled",
        "after script check_for_rollback",
        "after script note_key",
        "after redis ZREMRANGEBYSCORE workers",
        "after redis ZREMRANGEBYSCORE beats",
    ),
    scenarios.on_a_redis_that_has_to_be_waited_for: (
        "before redis WAITAOF",
        "after redis WAITAOF",
        "after script dispatch: send",
    ),
    scenarios.whose_response_is_lost: (
        "after script note_failure",
        "after script doubtful",
        "after script due: doubt",
        "after GET messages",
        "before script taken",
        "after script taken",
    ),
    scenarios.that_is_throttled: (
        "after script cool_down",
        "after script not_taken",
    ),
    scenarios.with_a_token_that_has_expired: (
        "after POST send-individual",
        "after redis SET login",
        "before POST login",
        "after POST login",
        "after script replace_token",
    ),
    scenarios.without_a_login: (
        "before script release_login",
        "after script release_login",
    ),
    scenarios.whose_poll_is_throttled: ("after script cool_down",),
    scenarios.that_has_to_wait_for_its_slot: ("after script dispatch: prepare",),
    scenarios.that_misses_its_slot: (
        "before script reserve: submit",
        "after script reserve: submit",
        "after sleep (after script reserve: submit)",
    ),
    scenarios.whose_body_cannot_be_read: (
        "before script withdraw",
        "after script withdraw",
    ),
    scenarios.that_is_sent_at_its_hours_alone: (
        "after script dispatch: hours",
        "after script set_hours",
    ),
    scenarios.whose_redis_is_away_when_bsg_responds: ("before sleep (after script doubtful)",),
    scenarios.of_an_account_that_cannot_be_read: ("before script withdraw_lost", "after script withdraw_lost"),
    scenarios.in_which_somebody_opts_out: ("after script dispatch: recheck", "after script rows_suppressed"),
    scenarios.of_which_somebody_else_opts_out: ("after script suppression_checked",),
    scenarios.whose_rows_bsg_refuses: ("after script rows_rejected",),
    scenarios.that_redis_cannot_hold: (
        "after redis PEXPIRE staged",
        "after script release_chunk",
    ),
    scenarios.whose_commit_is_not_heard_of: ("after script accept",),
    scenarios.whose_messages_come_slowly: ("after script renew_chunks",),
    scenarios.that_is_enqueued_again: (
        "before redis UNLINK messages",
        "after redis UNLINK messages",
    ),
    scenarios.that_nobody_was_woken_for: ("after redis LPUSH dispatch.default",),
    scenarios.whose_worker_is_gone: ("after script take_back",),
    scenarios.whose_batches_nobody_was_woken_for: ("after redis LPUSH dispatch.default",),
    scenarios.that_is_resumed: (
        "after script resume",
        "after redis LPUSH dispatch.default",
    ),
    scenarios.that_is_retried: (
        "after script retry",
        "after script retry_some",
    ),
    scenarios.that_an_operator_resolves: ("after script resolve_not_sent",),
    scenarios.whose_deadline_passes: (
        "after script due: deadlines",
        "after script end_unsent",
    ),
    scenarios.that_is_cancelled: (
        "after script cancel",
        "after script add_prepared",
        "after script end_unsent",
    ),
    scenarios.whose_cancel_nobody_finished: (
        "after script due: unfinished",
        "after script end_unsent",
    ),
    scenarios.that_is_cancelled_at_bsg: (
        "after script due: stops",
        "before PATCH stop",
        "after PATCH stop",
        "after script stop_refused",
        "after script stopped",
    ),
    scenarios.whose_stop_bsg_denies_at_first: ("after script stop_denied",),
    scenarios.that_bsg_denies_at_first: ("after script unread",),
    scenarios.that_bsg_refuses: ("after script refused",),
    scenarios.of_which_bsg_drops_a_message: (
        "before script shrink",
        "after script shrink",
    ),
    scenarios.that_bsg_surely_does_not_have: ("after script absent",),
    scenarios.that_an_earlier_attempt_brought_to_bsg: ("after script taken_earlier",),
    scenarios.of_a_blocked_user: (
        "after script take_probe",
        "before script reopen_gate",
        "after script reopen_gate",
    ),
    scenarios.while_people_opt_out_here_and_at_bsg: (
        "after GET stoplist",
        "after script stop_list_page",
        "before POST attach",
        "after POST attach",
        "after script note_suppressed",
    ),
    scenarios.whose_bodies_are_forgotten: ("after script forget_bodies",),
    scenarios.that_is_forgotten: ("after script forget_campaign",),
    scenarios.that_is_compacted: ("after script compact", "after script remove_compacted"),
    scenarios.that_is_forgotten_after_its_compaction: ("after script disown", "after script forget_compacted"),
    scenarios.of_a_ledger_that_went_back: (
        "after script shut_gate",
        "after script lease_chunk",
        "after script prepared",
        "after GET messages",
        "after GET campaigns",
        "after script taken",
        "before script open_recovered",
        "after script open_recovered",
    ),
    scenarios.whose_ids_were_used_before_the_ledger_went_back: ("after script mark_in_doubt",),
    scenarios.cancelled_in_a_ledger_that_went_back: (
        "after sleep (after script shut_gate)",
        "after script taken",
    ),
    scenarios.that_was_begun_under_a_key_that_was_rotated: (
        "after script take_back",
        "after script inherit",
        "after script rekey",
        "after script rekey_some",
        "after script forget_key",
    ),
    stream_scenarios.of_a_stream: (
        f"before {ACCEPT_MESSAGES}",
        f"after {ACCEPT_MESSAGES}",
        "before script dispatch",
        "after script dispatch: send",
        "before POST send-individual",
        "after POST send-individual",
        "after script taken",
        "after script polled",
        "after script due: collecting",
        "before script stop_collecting",
        "after script stop_collecting",
    ),
    stream_scenarios.of_a_stream_to_which_many_are_sent: (
        f"before {ACCEPT_MESSAGES}",
        f"after {ACCEPT_MESSAGES}",
    ),
    stream_scenarios.of_a_stream_on_a_redis_that_has_to_be_waited_for: (
        f"before {ACCEPT_MESSAGES}",
        f"after {ACCEPT_MESSAGES}",
    ),
    stream_scenarios.of_a_stream_whose_response_is_lost: (
        "after script doubtful",
        "after GET messages",
        "after script taken",
    ),
    stream_scenarios.of_a_stream_that_begins_another_one: (
        f"before {ACCEPT_MESSAGES}",
        f"after {ACCEPT_MESSAGES}",
    ),
    stream_scenarios.of_a_stream_that_nobody_was_woken_for: ("after redis LPUSH dispatch.default",),
    stream_scenarios.of_a_stream_whose_body_cannot_be_read: ("before script withdraw", "after script withdraw"),
    stream_scenarios.of_a_stream_in_which_somebody_opts_out: (
        "after script dispatch: recheck",
        "after script rows_suppressed",
    ),
    stream_scenarios.of_a_stream_that_is_paused_and_resumed: (
        "after redis HSET stream",
        "after script pause",
        "after script resume",
    ),
    stream_scenarios.of_a_stream_that_is_cancelled: (
        "after script cancel",
        "after script end_unsent",
    ),
    stream_scenarios.of_a_stream_whose_deadline_passes: (
        "after script due: deadlines",
        "after script end_unsent",
    ),
}

# Effects at which nobody is killed by name, with the reason.
LEFT_OUT: Mapping[str, str] = {
    "GET balance": "what follows from it has points",
    "script add_chunks": "tests/ledger/test_steps.py stops between any two steps",
    "script expire_batches": "the sweep takes up the campaign again until none is due",
    "redis SET zone": "learnt anew from the next response",
    "redis UNLINK staged": "what is staged expires by itself",
    "script ask_operator": "the batch stays due: the next look asks again",
    "script postpone": "what is postponed or given back becomes due by itself",
    "script put_off": "the batch becomes due by itself",
    "script note_balance": "noted again with the next refusal for want of funds",
    "script note_digests": "the index is made from the feed again, and nothing that is sent depends on it",
    "script note_indexed": "the index is made from the feed again, and nothing that is sent depends on it",
    "script find_digest": "it only reads",
    "script note_press": "the button does nothing before it: an operator presses it again",
    "script open_gate": "a command that has no other effect behind it",
    "script suppress": "a command that has no other effect behind it",
    "script unsuppress": "a command that has no other effect behind it",
    "script note_funds": "shown to operators, and nothing follows from it",
    "script record_delivery_reports": "a command that is safe to repeat, and has no other effect behind it",
    "script rekey_record": "only the owners of the old key are left behind it, which no look-up reads",
    "script resolve_sent": "a command that has no other effect behind it",
    "script state": "it only reads",
}
EFFECTS = frozenset(point.split(" ", 1)[1].split(" (")[0] for points in POINTS.values() for point in points)
# After every effect once, and where it is distinguished by what was before it, there too.
AFTER_EACH = frozenset(f"after {point.partition(' ')[2]}" for points in POINTS.values() for point in points)


def without_point(seen: Iterable[str]) -> set[str]:
    """Return the effects among those that processes have passed at which no point stands, and none was left out."""
    return {point.partition(" ")[2].removesuffix(NOTHING) for point in seen} - EFFECTS - LEFT_OUT.keys()
