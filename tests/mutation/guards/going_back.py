"""A ledger that went back, and what is on disk."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

READ_ONCE = "tests/worker/reconcile/test_read_once.py::test_"
WATCH = "tests/worker/test_watch.py::test_"
ADOPTING = "tests/recovery/test_adopting.py::test_"
ENQUEUEING = "tests/producer/test_enqueueing.py::test_"
APPLICATION = "tests/worker/test_application.py::test_"
GOING_BACK = "tests/ledger/test_going_back.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "worker/bsg_worker/recovery/adopt.py",
        (
            "nothing leaves while it is looked for",
            "    runtime.gate.shut(reason=GateReason.LEDGER_WENT_BACK, by=BY)\n",
            "",
            f"{ADOPTING}a_ledger_is_adopted_behind_a_shut_gate_though_nobody_noticed",
        ),
        (
            "every batch that waits is looked up before its first POST",
            "record in _waiting(runtime, shut_ms) if looked",
            "record in () if looked",
            f"{ADOPTING}what_bsg_has_is_submitted_and_the_rest_is_sent_once",
        ),
        (
            "parts that may have been batches are prepared and looked up",
            "    _prepare(runtime, shut_ms, tell)\n",
            "",
            f"{ADOPTING}parts_that_were_batches_in_the_lost_ledger_become_the_same_ones_and_are_found",
        ),
        (
            "what may be on the wire is waited for",
            "    _let_the_wire_fall_silent(runtime, shut_ms, tell)\n",
            "",
            f"{ADOPTING}what_left_before_the_gate_was_shut_is_waited_for",
        ),
        (
            "absence is looked for twice",
            '        untraced = _look_once(runtime, untraced, adoption, tell, "second look")\n',
            "",
            f"{ADOPTING}what_only_the_second_look_shows_is_found",
        ),
        (
            "a trace that does not fit is a doubt",
            ("            case Undecided(cause):\n                _mistrust(runtime, record, cause, adoption)\n"),
            "            case Undecided(cause):\n                untraced.append(record)\n",
            f"{ADOPTING}a_trace_that_does_not_fit_is_a_doubt",
        ),
        (
            "ids that were used before are a doubt",
            '                _mistrust(runtime, record, "reference ids used before", adoption)\n',
            "                untraced.append(record)\n",
            f"{ADOPTING}a_callers_ids_that_an_older_campaign_has_are_no_proof_of_having_been_sent",
        ),
        (
            "an older campaign with a caller's ids is no proof",
            "return 0 if ours else record.accepted_ms",
            "return 0",
            f"{ADOPTING}a_callers_ids_in_an_older_campaign_that_nobody_knows_are_no_proof_either",
        ),
        (
            "a BSG that does not answer leaves the gate shut",
            (
                "            if failure.account_reason is not None:\n"
                "                raise\n"
                "            clock.sleep(failure.retry_after or pause)\n"
                "    return look_up(runtime, bounded, rows, reads)"
            ),
            "            clock.sleep(failure.retry_after or pause)\n    return NoTrace()",
            f"{ADOPTING}a_bsg_that_does_not_answer_leaves_the_gate_shut",
        ),
        (
            "what BSG has of a batch that has ended is recorded",
            "if record.state in FINAL_WITHOUT_BSG and stranger.messages <= record.size:",
            "if False:",
            f"{ADOPTING}what_bsg_has_of_a_batch_that_has_expired_since_is_recorded_lest_it_be_retried",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/reconcile/read_once.py",
        (
            "each reference id is asked for by itself",
            "if campaign_id is None or reference_id is not None:",
            "if campaign_id is None:",
            f"{READ_ONCE}lists_and_campaigns_are_read_once_and_each_reference_id_is_asked_for",
        ),
        (
            "a long time is read in spans that BSG lists",
            "listed_between(self._reads, self._since, self._until)",
            "self._reads.campaigns(self._since, self._until)",
            f"{READ_ONCE}a_long_time_is_read_in_spans_that_bsg_lists_and_each_campaign_is_told_once",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/reconcile/spans.py",
        (
            "a campaign in two spans is told once",
            "            if answer.id not in known:\n",
            "            if True:\n",
            f"{READ_ONCE}a_long_time_is_read_in_spans_that_bsg_lists_and_each_campaign_is_told_once",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/watch.py",
        (
            "a process keeps looking",
            "    look = runtime.witness.look()\n",
            "    look = Look(False, 0, 0, False)\n",
            f"{WATCH}a_ledger_that_went_back_is_told_of_and_its_gate_is_shut",
        ),
    ),
    *guards_of(
        "worker/bsg_worker/application.py",
        (
            "every worker process watches",
            '    begin_watch(getattr(sender, "hostname", None))\n',
            "",
            f"{APPLICATION}every_worker_process_watches_the_ledger_whether_or_not_it_has_anything_to_do",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/witness.py",
        (
            "a process remembers what it saw",
            "self._seen = int(sequence) if went_back else max(self._seen, int(sequence))",
            "self._seen = 0",
            f"{GOING_BACK}an_older_ledger_shuts_the_gate",
        ),
        (
            "a process notices once",
            "int(sequence) if went_back else max(",
            "max(",
            f"{GOING_BACK}a_process_notices_once",
        ),
        (
            "what was sent was seen",
            "self._seen = max(self._seen, sequence)",
            "pass",
            f"{GOING_BACK}what_was_sent_since_the_last_look_is_not_sent_again_from_an_older_ledger",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/durability.py",
        (
            "a server without an append-only file is refused",
            'known.get("appendonly") == "yes" and known',
            "known",
            (
                "tests/ledger/test_durability.py::test_a_server_without_an_append_only_file_is_refused_whatever_it_says_of_syncing"
            ),
        ),
        (
            "only fsync always needs no asking",
            'known.get("appendonly") == "yes" and known.get("appendfsync") == "always"',
            'known.get("appendonly") == "yes"',
            f"{ENQUEUEING}a_commit_that_is_not_proven_to_be_on_disk_is_unconfirmed_however_often_it_is_tried",
        ),
        (
            "a file that could not be written in time is told",
            'if self._way == "wait" and self._wait() < 1:',
            'if self._way == "wait" and self._wait() < 0:',
            ("tests/ledger/test_durability.py::test_a_write_of_another_connection_that_is_not_on_disk_in_time_is_told"),
        ),
        (
            "what is waited for is a write of the same connection",
            (
                '        pipe.hset("bsg:ledger", "settled", "1")\n'
                '        pipe.execute_command("WAITAOF", 1, 0, self._timeout_ms)\n'
                "        _, answer = pipe.execute()\n"
            ),
            ('        pipe.execute_command("WAITAOF", 1, 0, self._timeout_ms)\n        (answer,) = pipe.execute()\n'),
            ("tests/ledger/test_durability.py::test_a_write_of_another_connection_that_is_not_on_disk_in_time_is_told"),
        ),
    ),
)
