"""What the status worker asks before it believes anything of BSG's."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

RECONCILE = "tests/worker/reconcile/test_reconcile.py::test_"
PROBE = "tests/worker/upkeep/test_probe.py::test_"
EVIDENCE = "tests/worker/reconcile/test_evidence.py::test_"
LOOKUP = "tests/worker/reconcile/test_lookup.py::test_"
DROPPED = "tests/worker/poll/test_dropped.py::test_"
READ_BACK = "tests/worker/reconcile/test_read_back.py::test_"
TURNS = "tests/worker/test_turns.py::test_"
ADOPTING = "tests/recovery/test_adopting.py::test_"
TIME = "tests/worker/test_bsg_time.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "worker/bsg_worker/reconcile/evidence.py",
        (
            "one look is no evidence",
            "                return False\n",
            "                return True\n",
            f"{EVIDENCE}one_look_is_no_evidence_of_absence",
        ),
        (
            "evidence has to age",
            "return began - first.ended >= confirm_within",
            "return True",
            f"{EVIDENCE}two_looks_the_span_apart_are_evidence",
        ),
        (
            "evidence ages from the end of the first look",
            "FirstLook(finding, ended)",
            "FirstLook(finding, began)",
            f"{EVIDENCE}the_span_is_from_the_end_of_one_look_to_the_beginning_of_the_next",
        ),
        (
            "a look before a later attempt says nothing of it",
            "if first is None or first.finding != finding:",
            "if first is None:",
            f"{EVIDENCE}a_later_attempt_makes_earlier_looks_worthless",
        ),
        (
            "a trace makes earlier looks worthless",
            "self._looks.pop(subject, None)",
            "pass",
            f"{EVIDENCE}a_trace_found_meanwhile_makes_earlier_looks_worthless",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/reconcile/reconcile.py",
        (
            "absence is believed only on evidence",
            '    if not confirmed:\n        return "no trace yet"\n',
            "",
            f"{RECONCILE}one_look_without_a_trace_settles_nothing",
        ),
        (
            "a look is as old as what its round read first",
            "        began=began,",
            "        began=clock.monotonic(),",
            f"{RECONCILE}a_look_proves_nothing_of_later_than_the_beginning_of_its_round",
        ),
        (
            "any trace makes earlier looks worthless",
            "        if not isinstance(finding, NoTrace):\n            self._runtime.evidence.forget(record.id)\n",
            "",
            f"{RECONCILE}a_trace_makes_the_looks_before_it_worthless",
        ),
        (
            "a look proves nothing of an attempt that was made after its round began",
            " if record.attempts == attempts[record.id]]",
            "]",
            f"{RECONCILE}a_round_proves_nothing_of_an_attempt_that_is_made_in_the_middle_of_it",
        ),
        (
            "all campaigns of a batch are recorded, not the first alone",
            "    campaign, *others = campaigns\n",
            "    campaign, *others = campaigns[:1]\n",
            f"{LOOKUP}a_batch_that_bsg_has_twice_is_recorded_as_both_and_the_second_is_stopped",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/steady_beat.py",
        (
            "a clock that is set back does not silence beat for as long",
            "if abs(set_to - self._set_to) > CLOCK_SET_SECONDS:",
            "if False:",
            "tests/worker/test_steady_beat.py::test_a_clock_that_is_set_leaves_the_ticks_as_far_apart_as_before",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/rounds.py",
        (
            "many in doubt leave threads to sweep and poll",
            "    if not round_.acquire(blocking=False):\n",
            "    if not round_.acquire(blocking=False) and False:\n",
            f"{RECONCILE}a_process_looks_in_one_thread_however_many_ticks_come",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/reconcile/lookup.py",
        (
            "a server may ignore a filter: only the very id counts",
            " if row.reference_id == reference_id]",
            "]",
            f"{RECONCILE}where_filters_are_ignored_another_batch_is_no_trace",
        ),
        (
            "a hit of no campaign is no absence",
            '                findings.unfit("a message of ours at BSG, of no campaign")\n',
            "",
            f"{RECONCILE}what_does_not_fit_is_undecided[a message of no campaign]",
        ),
        (
            "a campaign that another batch has is not this one's",
            (
                "            if owner is not None and owner != batch_id:\n"
                "                foreign.add(hit.campaign_id)\n"
                "                continue\n"
            ),
            "",
            f"{RECONCILE}a_campaign_of_another_batch_means_that_the_id_was_used_before",
        ),
        (
            "a campaign that is older than the intent is not this batch",
            "            if older:\n                foreign.add(hit.campaign_id)\n            elif",
            "            if",
            "ids used before",
        ),
        (
            "a hit of a time that cannot be told is undecided",
            ('                findings.unfit("a message of ours at BSG, of a time that cannot be told")\n'),
            "                findings.ours(detail, record)\n",
            f"{LOOKUP}a_campaign_that_is_older_by_what_clocks_may_differ_is_never_taken_for_another",
            f"{RECONCILE}what_does_not_fit_is_undecided[a time that is not told]",
        ),
        (
            "what clocks may differ by makes nothing older",
            "return moment, SURELY_OLDER",
            "return moment, CLOCK_TOLERANCE",
            f"{LOOKUP}a_campaign_that_is_older_by_what_clocks_may_differ_is_never_taken_for_another",
        ),
        (
            "a zone that is unknown makes nothing older",
            "return printed.replace(tzinfo=UTC), ZONE_MARGIN",
            "return printed.replace(tzinfo=UTC), SURELY_OLDER",
            f"{RECONCILE}in_an_unknown_zone_half_a_day_makes_nothing_older",
        ),
        (
            "only what BSG lists of a campaign was used before",
            "if row.campaign_id == campaign and row.reference_id in ours:",
            "if row.reference_id in ours:",
            f"{RECONCILE}only_what_the_older_campaign_has_was_used_before_where_filters_are_ignored",
        ),
        (
            "an id in a campaign that does not list it is undecided",
            (
                "        if not places:\n"
                '            return Undecided("a reference id of ours in another campaign at BSG, '
                'which does not list it")\n'
            ),
            "",
            f"{RECONCILE}an_id_in_another_campaign_that_does_not_list_it_is_undecided",
        ),
        (
            "absence asks for campaigns without an owner too",
            "or self.among_strangers(record, rows)",
            "or NoTrace()",
            f"{RECONCILE}what_does_not_fit_is_undecided[a campaign of that size without an owner]",
        ),
        (
            "a campaign that has an owner is no trace",
            "            if answer.id not in strangers:\n                continue\n",
            "",
            f"{RECONCILE}what_is_surely_another_is_no_trace[it has an owner]",
        ),
        (
            "a campaign that is surely older is no trace",
            (
                "                if moment < intent - margin:\n"
                "                    continue  # a list that is shared with an older doubt reaches back further\n"
            ),
            "",
            f"{RECONCILE}what_is_surely_another_is_no_trace[it is older]",
        ),
        (
            "the reconcile's size check: a campaign of another size is no trace",
            (
                '            if detail.status != "creation" and detail.total_messages and '
                "detail.total_messages != record.size:\n"
                "                continue\n"
            ),
            "",
            f"{RECONCILE}what_is_surely_another_is_no_trace[it has another size]",
        ),
        (
            "a campaign in creation has no size yet",
            'if detail.status != "creation" and detail.total_messages and',
            "if detail.total_messages and",
            f"{RECONCILE}what_does_not_fit_is_undecided[a campaign in creation without an owner]",
        ),
        (
            "messages of ours in a campaign without an owner are ours",
            (
                "            if any(row.reference_id in ours for row in listed):\n"
                "                findings.ours(detail, record)\n"
                "            elif not listed"
            ),
            "            if not listed",
            f"{RECONCILE}a_campaign_without_an_owner_that_lists_ours_is_found",
        ),
        (
            "a campaign that does not list all of it may have ours",
            "elif not listed or len(listed) != detail.total_messages:",
            "elif not listed:",
            f"{RECONCILE}what_does_not_fit_is_undecided[a campaign that lists half]",
        ),
        (
            "a campaign with more messages than the batch is not surely it",
            'if detail.status != "creation" and total is not None and total > record.size:',
            "if False:",
            f"{RECONCILE}what_does_not_fit_is_undecided[a campaign of more messages]",
            f"{ADOPTING}a_trace_that_does_not_fit_is_a_doubt",
        ),
        (
            "what is surely ours outweighs what does not fit",
            ("return Found(tuple(self._found.values())) if self._found else Undecided(self._unfit[0])"),
            ("return Undecided(self._unfit[0]) if self._unfit else Found(tuple(self._found.values()))"),
            f"{RECONCILE}what_is_surely_ours_outweighs_what_does_not_fit",
        ),
        (
            "more than one reference id is looked up",
            "range(len(rows)) if len(rows) <= SAMPLES else _evenly(len(rows))",
            "range(1)",
            f"{RECONCILE}ids_from_all_over_the_batch_are_looked_up",
        ),
        (
            "the ids that BSG complained of are looked up",
            "dict.fromkeys((*spread, *named))",
            "dict.fromkeys(spread)",
            f"{RECONCILE}an_id_that_bsg_complained_of_is_looked_up",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/bsg_time.py",
        (
            "BSG's zone is learnt and not believed",
            "        if minutes is None:\n            return None\n",
            "        minutes = minutes or 0\n",
            f"{TIME}a_time_of_bsgs_means_nothing_as_long_as_no_answer_has_shown_its_zone",
        ),
        (
            "a zone that was learnt counts",
            " - timedelta(minutes=minutes)\n\n",
            "\n\n",
            f"{TIME}the_zone_is_learnt_from_a_fresh_answer_whatever_the_setting_says",
        ),
        (
            "what was learnt wrongly is set right",
            "if minutes == self._learnt.minutes_off():",
            "if self._learnt.minutes_off() is not None:",
            f"{TIME}what_was_learnt_wrongly_at_first_is_set_right_too",
        ),
        (
            "of two moments the later one is meant",
            "return max(self._readings(printed))",
            "return min(self._readings(printed))",
            f"{TIME}in_the_hour_that_comes_twice_a_printed_time_is_the_later_one",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/poll/dropped.py",
        (
            "a total is believed only after two looks",
            "        return Total(total, ages=True)\n",
            "        pass\n",
            f"{DROPPED}a_message_that_bsg_neither_counts_nor_lists_yet_is_no_reject_and_is_waited_for",
        ),
        (
            "the total and what is listed have to agree",
            "if len(rows) != record.size or len(listed) != total or not missing:",
            "if len(rows) != record.size or not missing:",
            f"{DROPPED}what_is_counted_but_not_listed_is_no_reject",
        ),
        (
            "what an earlier attempt brought to BSG is no reject",
            "    if elsewhere.campaigns:\n",
            "    if False:\n",
            f"{DROPPED}messages_that_an_earlier_attempt_brought_to_bsg_are_sent_and_no_rejects",
        ),
        (
            "what nobody can tell is no reject",
            "    missing -= elsewhere.at_bsg\n",
            "",
            f"{DROPPED}a_message_that_bsg_lists_late_in_the_batchs_own_campaign_is_no_reject",
        ),
        (
            "what another campaign of the batch has is not missing",
            "missing = ours - listed - listed_in_others(runtime.client, record, ours)",
            "missing = ours - listed",
            f"{DROPPED}a_message_of_no_attempt_is_a_reject_beside_those_that_an_earlier_attempt_brought",
        ),
        (
            "a total that still grows is not believed",
            (
                "    if detail.status not in FINAL and detail.total_messages != "
                "record.total_messages:\n"
                "        return Total(detail.total_messages)\n"
            ),
            "",
            f"{DROPPED}a_total_that_may_still_grow_is_held_against_the_look_before",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/poll/earlier.py",
        (
            "only what is listed of this campaign counts",
            "if row.campaign_id == bsg_id and row.reference_id in ours}",
            "if row.reference_id in ours}",
            f"{DROPPED}a_message_dropped_for_an_id_that_an_older_campaign_has_is_a_reject_where_filters_are_ignored",
        ),
        (
            "a campaign of another batch is no earlier attempt",
            "            if owner not in (None, record.id):",
            "            if False:",
            f"{DROPPED}a_message_dropped_for_an_id_that_an_older_campaign_has_is_a_reject_where_filters_are_ignored",
        ),
        (
            "what is older than the first attempt is none",
            "            if older:\n",
            "            if False:\n",
            f"{DROPPED}a_message_dropped_for_an_id_that_was_used_before_this_ledger_is_a_reject",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/poll/poll.py",
        (
            "a batch of which messages seem to be missing is not finished",
            "final=answer.status in FINAL and not total.ages",
            "final=answer.status in FINAL",
            f"{DROPPED}a_message_that_bsg_neither_counts_nor_lists_yet_is_no_reject_and_is_waited_for",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/upkeep/probe.py",
        (
            "what a person has to open is not probed",
            "if not gate.shut or gate.reason in OPENED_BY_PERSONS:",
            "if not gate.shut:",
            f"{PROBE}what_a_person_has_to_open_is_not_even_probed",
        ),
        (
            "no funds opens only when the balance covers the next batch",
            "    if short and not _shut_for_long(runtime, gate):\n",
            "    if False:\n",
            f"{PROBE}a_balance_that_is_not_above_zero_opens_nothing_while_no_price_is_known",
        ),
        (
            "a balance for which BSG took nothing opens nothing again",
            "    if tried is not None and funds <= tried:\n",
            "    if False:\n",
            f"{PROBE}a_balance_for_which_bsg_took_nothing_opens_the_gate_only_once_it_has_risen",
        ),
        (
            "a gate opens only when BSG answers",
            '        return f"gate stays shut ({gate.reason}): {error.cause}"\n',
            "        balance = error.cause\n",
            f"{PROBE}after_doubts_the_gate_opens_half_once_bsg_answers_a_read",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/turns.py",
        (
            "one row that fails keeps no other from its turn",
            "self.over or out_of_reach or (failure.status is not None and concerns_everybody(failure))",
            "True",
            f"{TURNS}a_row_that_fails_ends_no_round_but_a_bsg_out_of_reach_does",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/reconcile/read_back.py",
        (
            "messages are read back to a page that is older in any case",
            "return max(moment + margin",
            "return min(moment - margin",
            f"{READ_BACK}messages_are_read_back_to_a_page_that_is_older_than_all_that_is_wanted",
        ),
        (
            "rows without a time say nothing of how far back they are",
            "if not rows or any(row.created_at is None for row in rows):",
            "if not rows or all(row.created_at is None for row in rows):",
            f"{READ_BACK}rows_without_a_time_do_not_say_how_far_back_they_are",
        ),
        (
            "a list that is not as it was asked for answers for nothing more",
            "if turns.over or turn.failure.status == 200 or failures >= FAILURES_IN_A_ROW:",
            "if turns.over or failures >= FAILURES_IN_A_ROW:",
            f"{READ_BACK}a_page_that_fails_is_asked_for_again_and_one_that_is_not_as_asked_for_ends_it",
        ),
        (
            "what was not read back to is looked up",
            "for one in covered for name",
            "for one in wanted for name",
            f"{READ_BACK}what_lies_further_back_than_it_pays_to_read_is_looked_up",
        ),
        (
            "a no for ids that BSG knows is looked up beyond the first intent",
            " if name in found or not one.older_too",
            "",
            f"{READ_BACK}only_a_hit_answers_for_an_id_that_may_be_older",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/read_failures.py",
        (
            "a throttled read cools the account down",
            ("        runtime.status_limiter.cool_down(failure.retry_after or DEFAULT_COOL_DOWN_SECONDS)\n"),
            "        pass\n",
            f"{TURNS}a_read_that_is_throttled_or_finds_the_account_closed_is_obeyed",
        ),
        (
            "a read that finds the account closed shuts the gate",
            "if failure.account_reason is not None and runtime.gate.shut(",
            "if False and runtime.gate.shut(",
            f"{TURNS}a_read_that_is_throttled_or_finds_the_account_closed_is_obeyed",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/upkeep/sweep.py",
        (
            "a queue that keeps the workers busy gets no more bells",
            "return length < runtime.settings.campaign_window or (rung == 0 and length < LONGEST_QUEUE)",
            "return True",
            "tests/worker/upkeep/test_sweep.py::test_nobody_is_rung_for_while_nobody_answers",
        ),
        (
            "whose bell was lost has its turn while others keep the queue full",
            " or (rung == 0 and length < LONGEST_QUEUE)",
            "",
            "tests/worker/upkeep/test_sweep.py::test_large_campaigns_that_keep_the_queue_full_keep_no_lost_bell_from_being_rung_again",
        ),
    ),
)
