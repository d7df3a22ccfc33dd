"""What is asked of a campaign before it is accepted and made ready; settings."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

ENQUEUEING = "tests/producer/test_enqueueing.py::test_"
DIGEST = "tests/producer/test_digest.py::test_"
PREPARATION = "tests/messages/test_preparation.py::test_"
RULES = "tests/messages/test_rules.py::test_"
SETTINGS = "tests/config/test_settings.py::test_"
DOORBELL = "tests/broker/test_doorbell.py::test_"
APPLICATION = "tests/worker/test_application.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "producer/bsg_producer/enqueueing.py",
        (
            "nothing is accepted by a server that keeps nothing",
            "        ledger.durability.require()\n",
            "        pass\n",
            f"{ENQUEUEING}a_server_without_an_append_only_file_is_refused_before_anything_is_stored",
        ),
        (
            "the commit is on disk before it is answered",
            "    _settle(ledger, key)\n    return",
            "    return",
            f"{ENQUEUEING}a_commit_that_is_not_proven_to_be_on_disk_is_unconfirmed_however_often_it_is_tried",
        ),
        (
            "a duplicate is settled too",
            "    _settle(ledger, key)\n",
            '    if accepted.kind == "accepted":\n        _settle(ledger, key)\n',
            f"{ENQUEUEING}a_commit_that_is_not_proven_to_be_on_disk_is_unconfirmed_however_often_it_is_tried",
        ),
        (
            "a commit whose answer was lost is asked again",
            "        return _commit_again(ledger, acceptance)\n",
            "        raise EnqueueUnconfirmed(acceptance.idempotency_key) from None\n",
            f"{ENQUEUEING}a_commit_whose_answer_is_lost_once_is_asked_again_and_accepted",
        ),
        (
            "a commit whose answer stays lost is told with its key",
            ("    except Exception:\n        raise EnqueueUnconfirmed(acceptance.idempotency_key) from None\n"),
            '    except Exception:\n        raise QueueUnavailable("lost") from None\n',
            f"{ENQUEUEING}a_commit_whose_answer_stays_lost_is_unconfirmed_and_its_key_makes_trying_again_safe",
        ),
        (
            "a lost answer is not taken for a no",
            "with queue_errors(lost_answer=_LostAnswer):",
            "with queue_errors():",
            f"{ENQUEUEING}a_commit_whose_answer_is_lost_once_is_asked_again_and_accepted",
        ),
        (
            "of a commit that was refused nothing remains",
            "        parts.drop()  # on any other",
            "        pass  # on any other",
            f"{ENQUEUEING}a_redis_that_becomes_full_at_any_step_has_no_campaign_and_nothing_of_one",
        ),
        (
            "of a second try nothing remains",
            '    if accepted.kind != "accepted":\n        parts.drop()\n',
            "",
            f"{ENQUEUEING}of_a_second_try_with_the_same_key_nothing_remains",
        ),
        (
            "of an iterable that fails nothing remains",
            "    except BaseException:\n        parts.drop()\n        raise\n",
            "",
            f"{ENQUEUEING}an_iterable_that_fails_leaves_nothing_behind",
        ),
        (
            "other content under a known key is a conflict",
            ('    if accepted.kind == "conflict":\n        raise IdempotencyConflict(key, accepted.campaign_id)\n'),
            "",
            f"{ENQUEUEING}of_a_second_try_with_the_same_key_nothing_remains",
        ),
        (
            "parts that are gone before the commit are told",
            (
                '    if accepted.kind == "missing":\n'
                '        raise QueueUnavailable("Redis no longer has the messages that were stored a '
                'moment ago; enqueue them again")\n'
            ),
            "",
            f"{ENQUEUEING}parts_that_vanish_before_the_commit_are_told_and_the_campaign_does_not_exist",
        ),
        (
            "parts are renewed while the iterable goes on",
            (
                "                    self._ledger.campaigns.renew_parts(self._campaign_id, "
                "len(self._sizes), keep_ms=KEEP_PARTS_MS)\n"
            ),
            "                    pass\n",
            f"{ENQUEUEING}parts_are_kept_for_as_long_as_the_iterable_goes_on",
        ),
        (
            "messages are part of the digest",
            "            self._digest.update(part, packed.written, packed.names)\n",
            "",
            f"{ENQUEUEING}of_a_second_try_with_the_same_key_nothing_remains",
        ),
        (
            "a dict that is filled again is another message",
            "yield message.copy() if type(message) is dict else message",
            "yield message",
            f"{ENQUEUEING}a_dict_that_the_caller_fills_again_and_again_is_as_many_messages",
        ),
        (
            "no messages are no campaign",
            (
                "        if not self._sizes:\n"
                '            raise CampaignInvalid({"messages": ["there are none: give at least one '
                'message"]})\n'
            ),
            "",
            f"{ENQUEUEING}no_messages_are_no_campaign",
        ),
        (
            "a key is printable text of bounded length",
            " or not 1 <= len(key) <= KEY_CHARACTERS_MOST or not key.isprintable()",
            "",
            f"{ENQUEUEING}an_idempotency_key_is_printable_text_of_bounded_length",
        ),
    ),
    *guards_of(
        "producer/bsg_producer/digest.py",
        (
            "text and sender are part of the digest",
            "_written([text, sender, account])",
            "_written([account])",
            f"{DIGEST}text_and_sender_are_content",
        ),
        (
            "the account is part of the digest",
            "_written([text, sender, account])",
            "_written([text, sender])",
            f"{DIGEST}the_account_is_content",
        ),
        (
            "a value that cannot be written hides no other",
            '        return b",".join(map(_written_alone, values))\n',
            '        return b""\n',
            f"{DIGEST}a_value_that_cannot_be_written_hides_nothing_beside_it",
        ),
    ),
    *guards_of(
        "messages/bsg_messages/preparation.py",
        (
            "no phone is twice in a batch",
            "        for layer in _layers(columns.phones, rows)\n",
            "        for layer in ([rows] if rows else [])\n",
            f"{PREPARATION}no_phone_is_twice_in_a_batch",
        ),
        (
            "the same message twice in a part is a reject",
            "elif not envelope.allow_duplicates and message in known_messages:",
            "elif False:",
            f"{PREPARATION}the_same_phone_with_the_same_text_is_a_reject_unless_allowed",
        ),
        (
            "a reference id is unique",
            "        if ids[row] in known_ids:\n",
            "        if False:\n",
            f"{PREPARATION}a_reference_id_that_was_there_before_is_a_reject",
        ),
        (
            "a batch is no larger than asked",
            "        for start in range(0, len(layer), batch_size)\n",
            "        for start in range(0, 1)\n",
            f"{PREPARATION}batches_are_no_larger_than_asked",
        ),
        (
            "a message that breaks a rule is not sent",
            ("    rows = [row for row in range(part.size) if row not in flaws] if flaws else list(range(part.size))\n"),
            "    rows = list(range(part.size))\n",
            f"{PREPARATION}a_broken_rule_is_told_by_field_and_code",
        ),
        (
            "what is not seen to be right is asked about",
            "for row in sorted(columns.doubtful - flaws.keys()):",
            "for row in ():",
            f"{PREPARATION}a_broken_rule_is_told_by_field_and_code",
        ),
    ),
    *guards_of(
        "messages/bsg_messages/rules.py",
        (
            "a phone has so many digits and no leading zero",
            "if digits is None or _PHONE.fullmatch(digits) is None:",
            "if digits is None:",
            f"{RULES}a_phone_of_eight_or_sixteen_digits_is_rejected",
        ),
        (
            "what could be read as another number is no phone",
            " or _FRACTION.fullmatch(trimmed):",
            ":",
            f"{RULES}what_could_be_read_as_another_number_is_rejected",
        ),
        (
            "a sender is one that BSG takes",
            "if text is None or _SENDER.fullmatch(text) is None:",
            "if text is None:",
            f"{RULES}senders_that_bsg_refuses",
        ),
        (
            "a reference id is one that BSG takes",
            "if text is None or _REFERENCE_ID.fullmatch(text) is None:",
            "if text is None:",
            f"{RULES}reference_ids_that_bsg_refuses",
        ),
        (
            "a text is no longer than BSG takes",
            "    if size > most:\n",
            "    if False:\n",
            f"{RULES}the_longest_texts_are_accepted_and_one_character_more_is_not",
        ),
        (
            "a blank text is none",
            "    if is_blank(value):\n        raise Fault(RejectCode.MISSING_TEXT",
            "    if value is None:\n        raise Fault(RejectCode.MISSING_TEXT",
            f"{RULES}a_blank_text_is_missing",
        ),
    ),
    *guards_of(
        "producer/bsg_producer/resolution.py",
        (
            "a person says one thing",
            "    if (sent is not None) == not_sent:\n",
            "    if False:\n",
            ("tests/producer/test_resolution.py::test_a_word_that_is_unclear_or_not_called_for_is_refused"),
        ),
        (
            "a person settles nothing but what asks for one",
            '    if record.state != "unconfirmed" and not asked:\n',
            "    if False:\n",
            ("tests/producer/test_resolution.py::test_a_word_that_is_unclear_or_not_called_for_is_refused"),
        ),
        (
            "a BSG campaign that another batch has is not this one's",
            '    if state == "owned":\n',
            "    if False:\n",
            "tests/producer/test_resolution.py::test_a_bsg_campaign_of_another_batch_is_refused",
        ),
    ),
    *guards_of(
        "config/bsg_config/settings.py",
        (
            "a batch has so many messages at most",
            "values.whole_number(1, 10_000)",
            "values.whole_number(1, 100_000)",
            f"{SETTINGS}a_batch_is_no_larger_than_bsg_takes",
        ),
        (
            "a lease outlasts three exchanges",
            '        if found["lease_seconds"] < least:\n',
            "        if False:\n",
            f"{SETTINGS}a_lease_outlasts_three_whole_exchanges",
        ),
        (
            "a key is never in common to several accounts",
            '_read({**environ, "BSG_API_KEY": "", **given})',
            "_read({**environ, **given})",
            "tests/config/test_named_accounts.py::test_a_misspelled_name_is_told_with_what_bears_it",
        ),
        (
            "a campaign that is claimed is of whoever claimed it, whatever its account's name",
            "owner == self.account or (owner is None and account_name == self.account_name)",
            "owner == self.account or account_name == self.account_name",
            "tests/config/test_named_accounts.py::test_a_campaign_is_of_whoever_claimed_it_and_before_that_of_its_name",
        ),
        (
            "another address is another account",
            'named = f"{self.bsg_base_url}\\0{self.require_api_key()}"',
            "named = self.require_api_key()",
            f"{SETTINGS}the_account_is_named_by_address_and_key_without_revealing_either",
        ),
        (
            "another key is another account",
            'named = f"{self.bsg_base_url}\\0{self.require_api_key()}"',
            "named = self.bsg_base_url",
            f"{SETTINGS}the_account_is_named_by_address_and_key_without_revealing_either",
        ),
    ),
    *guards_of(
        "config/bsg_config/values.py",
        (
            "the key travels over TLS only",
            'if parts.scheme != "https" and not _is_loopback(host):',
            "if False:",
            f"{SETTINGS}other_addresses_are_refused",
        ),
    ),
    *guards_of(
        "broker/bsg_broker/celery_configuration.py",
        (
            "only JSON is opened",
            '        "accept_content": ["json"],\n',
            '        "accept_content": ["json", "pickle"],\n',
            f"{APPLICATION}only_json_is_accepted_and_no_result_is_kept",
        ),
        (
            "a tick does not expire by clocks that differ",
            "_TICK_EXPIRES = 3600.0",
            "_TICK_EXPIRES = 5.0",
            f"{DOORBELL}a_tick_of_beat_expires_but_not_by_clocks_that_differ_by_minutes",
        ),
    ),
)
