"""What the BSG client asks of answers, tokens and the wire."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

SUBMIT = "tests/worker/submit/test_submit.py::test_"
CLIENT = "tests/client/test_bsg_client.py::test_"
WIRE = "tests/client/test_what_the_wire_does.py::test_"
MEANING = "tests/client/test_what_answers_mean.py::test_"
ILL_SHAPED = "tests/client/test_reading_what_is_ill_shaped.py::test_"
TLS = "tests/client/test_tls_and_proxies.py::test_"
TOKENS = "tests/client/test_tokens.py::test_"
HOSTILE = "tests/hostile/test_bsg_answers.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "client/bsg_client/wire.py",
        (
            "no redirect is followed",
            "    def get_redirect_target(self, resp: requests.Response) -> str | None:\n",
            "    def not_asked(self, resp: requests.Response) -> str | None:\n",
            f"{TLS}no_redirect_leads_from_tls_to_plain_text",
        ),
        (
            "where a redirect leads is not even read",
            "        return None\n\n\nclass _Sessions",
            ("        return super().get_redirect_target(resp) and resp.content and None\n\n\nclass _Sessions"),
            f"{WIRE}a_redirect_without_an_end_is_not_read_to_see_where_it_leads",
        ),
        (
            "an answer is bounded",
            ('            if len(body) > longest:\n                cut = "answer too long"\n                break\n'),
            "",
            f"{WIRE}an_answer_without_an_end_is_left_long_before_the_time_is_over",
        ),
        ("nothing is unpacked", '"Accept-Encoding": "identity",', "", f"{WIRE}the_provider_is_asked_not_to_compress"),
        (
            "TLS is verified",
            "                    proxies=self._proxies,\n",
            "                    proxies=self._proxies,\n                    verify=False,\n",
            f"{TLS}a_certificate_that_nobody_vouches_for_keeps_the_body_back",
        ),
        (
            "the body asks before its first byte leaves",
            "            if not self._may_leave():\n                raise HeldBack\n",
            "",
            f"{WIRE}an_old_intent_keeps_every_byte_of_the_body_back",
        ),
        (
            "whether any of the body left is known",
            "            self.left = True\n",
            "",
            f"{WIRE}a_body_that_only_left_in_part_is_in_doubt",
        ),
        (
            "what is unforeseen does not hide that the body left",
            ('                return NoAnswer(body_left=True, cause=f"unforeseen {type(error).__name__}")'),
            "                raise",
            f"{WIRE}what_nobody_foresaw_after_the_body_left_is_in_doubt",
        ),
        (
            "each body goes over a connection of its own",
            "                if body is not None:\n                    session.close()\n",
            "                pass\n",
            f"{WIRE}each_body_goes_over_a_connection_of_its_own",
        ),
        (
            "an answer that was cut is not whole",
            "    except _FAILURES as error:\n        cut = _cause(error, exchange)\n",
            "    except _FAILURES as error:\n        pass\n",
            f"{WIRE}what_is_no_clear_answer_to_a_body_that_left_is_in_doubt",
        ),
        (
            "an answer that was cut for its time is not whole",
            "    if cut is None and exchange.expired:\n        cut = _TOO_SLOW\n",
            "",
            f"{WIRE}what_is_no_clear_answer_to_a_body_that_left_is_in_doubt",
        ),
        (
            "no entry of a netrc takes the token's place",
            (
                '                    headers={"Content-Type": "application/json"} if body is not None '
                "else None,\n"
                "                    auth=_Authorisation(authorisation),\n"
            ),
            '                    headers={**authorisation, "Content-Type": "application/json"},\n',
            f"{WIRE}no_entry_in_netrc_takes_the_place_of_the_token",
        ),
        (
            "cookies are not kept",
            "        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))\n",
            "",
            f"{WIRE}cookies_are_not_kept",
        ),
        (
            "a fork does not use its parent's connections",
            (
                "    def for_body(self) -> requests.Session:\n"
                "        if self._process != os.getpid():\n"
                "            self._make()\n"
                "        return self._for_body\n"
                "\n"
                "    @property\n"
                "    def for_reading(self) -> requests.Session:\n"
                "        if self._process != os.getpid():\n"
                "            self._make()\n"
            ),
            (
                "    def for_body(self) -> requests.Session:\n"
                "        return self._for_body\n"
                "\n"
                "    @property\n"
                "    def for_reading(self) -> requests.Session:\n"
            ),
            f"{WIRE}a_forked_process_does_not_use_its_parents_connection",
        ),
        (
            "a proxy does not come between us and loopback",
            "if loopback else None",
            "if False else None",
            f"{TLS}a_proxy_does_not_come_between_us_and_a_sandbox_on_loopback",
        ),
    ),
    *guards_of(
        "client/bsg_client/exchange.py",
        (
            "an exchange is bounded however slowly the far side drips",
            "        exchange._timer.start()\n",
            "",
            f"{WIRE}what_is_no_clear_answer_to_a_body_that_left_is_in_doubt",
        ),
        (
            "the wire repeats nothing",
            "super().__init__(max_retries=0)",
            'super().__init__(max_retries=__import__("urllib3").Retry(2, allowed_methods=None))',
            f"{WIRE}what_is_no_clear_answer_to_a_body_that_left_is_in_doubt",
        ),
        (
            "a connection that was kept alive is bounded too",
            "            _current().watch(self.sock)  # kept alive from an earlier exchange\n",
            "            pass\n",
            f"{WIRE}a_kept_connection_is_cut_at_the_bound_too",
        ),
    ),
    *guards_of(
        "client/bsg_client/verdicts.py",
        (
            "without an answer all hangs on whether the body left",
            "OutcomeKind.IN_DOUBT if answer.body_left else OutcomeKind.NOT_TAKEN",
            "OutcomeKind.NOT_TAKEN",
            f"{MEANING}without_an_answer_all_hangs_on_whether_the_body_left",
        ),
        (
            "half an answer is in doubt",
            (
                "    if answer.cut is not None:\n"
                '        return replace(_IN_DOUBT, cause=f"HTTP {status}, {answer.cut}")\n'
            ),
            "",
            f"{MEANING}half_an_answer_is_in_doubt_whatever_it_says",
        ),
        (
            "a duplicate notice is in doubt",
            "    if _DUPLICATE_NOTICE.search(answer.body):",
            "    if False:",
            f"{MEANING}status_and_content_decide_the_kind",
        ),
        (
            "a 429 that is cut off may have been a duplicate notice",
            '    if answer.cut is not None and "Retry-After" not in answer.headers:',
            "    if False:",
            f"{MEANING}a_429_without_its_text_may_have_been_the_duplicate_notice_unless_it_asks_to_wait",
        ),
        (
            "a gateway's no is not BSG's",
            ' and not content.keys().isdisjoint(("error", "errors", "message"))',
            "",
            f"{MEANING}status_and_content_decide_the_kind",
        ),
        (
            "a campaign and an error in one answer are in doubt",
            "        if refusal is None:\n            return Outcome",
            "        if True:\n            return Outcome",
            f"{MEANING}status_and_content_decide_the_kind",
        ),
        (
            "a yes without a campaign is in doubt",
            'return refusal or replace(_IN_DOUBT, cause=f"HTTP {status} without a campaign")',
            'return refusal or replace(_REFUSED, cause=f"HTTP {status} without a campaign")',
            f"{MEANING}status_and_content_decide_the_kind",
        ),
        (
            "any other status is in doubt",
            '    return replace(_IN_DOUBT, cause=f"HTTP {status}")\n\n\ndef _of_a_429',
            '    return replace(_REFUSED, cause=f"HTTP {status}")\n\n\ndef _of_a_429',
            f"{MEANING}status_and_content_decide_the_kind",
        ),
        (
            "complaints about reference ids alone are in doubt",
            "if all(field == _REFERENCE_ID for field in fields):",
            "if False:",
            f"{MEANING}a_422_refuses_rows_only_if_every_complaint_names_one",
        ),
        (
            "rows are refused only if every complaint names one",
            '    if len(rows) < len(faults):\n        return replace(_REFUSED, cause="HTTP 422")\n',
            "",
            f"{MEANING}a_422_refuses_rows_only_if_every_complaint_names_one",
        ),
        (
            "an id that is present already is in doubt",
            "23: replace(_IN_DOUBT, cause=REFERENCE_IDS_TAKEN, reference_ids_taken=True)",
            "23: replace(_REFUSED, cause=REFERENCE_IDS_TAKEN)",
            f"{MEANING}each_code_of_the_older_style_has_its_kind",
        ),
        (
            "an unknown error is in doubt",
            '5: replace(_IN_DOUBT, cause="unknown error")',
            '5: replace(_REFUSED, cause="unknown error")',
            f"{MEANING}each_code_of_the_older_style_has_its_kind",
        ),
        (
            "an error that is not documented is in doubt",
            ('return _CODES.get(code, replace(_IN_DOUBT, cause="an error code that is not documented"))'),
            ('return _CODES.get(code, replace(_REFUSED, cause="an error code that is not documented"))'),
            f"{MEANING}status_and_content_decide_the_kind",
        ),
        (
            "a read is usable only whole",
            ("if isinstance(answer, Answer) and answer.status in _YES and answer.cut is None:\n        content"),
            "if isinstance(answer, Answer) and answer.status in _YES:\n        content",
            f"{MEANING}half_an_answer_to_a_question_is_of_no_use_whatever_it_says",
        ),
        (
            "an error in a yes is no list",
            ("        if isinstance(content, Mapping) and _code(content) is None:\n            return content"),
            "        if isinstance(content, Mapping):\n            return content",
            f"{ILL_SHAPED}a_list_that_cannot_be_read_whole_fails",
        ),
    ),
    *guards_of(
        "client/bsg_client/answers.py",
        (
            "a price that BSG does not tell takes no other's place",
            '    return None if _decimal(price) == 0 and data.get("currency") is None else price\n',
            "    return price\n",
            "tests/worker/poll/test_poll.py::test_the_price_of_its_creation_stands_when_bsg_tells_none_in_its_list",
        ),
        (
            "an id that no campaign can have takes nothing",
            "if bsg_id is None or bsg_id <= 0:",
            "if bsg_id is None:",
            f"{HOSTILE}an_id_that_no_campaign_can_have_takes_nothing",
        ),
    ),
    *guards_of(
        "client/bsg_client/lists.py",
        (
            "an unreadable row fails the whole list",
            "            row = _readable(entry, read)\n",
            "            if (row := read(entry)) is None:\n                continue\n",
            f"{ILL_SHAPED}a_list_that_cannot_be_read_whole_fails",
        ),
        (
            "a list that does not go on fails",
            '                    raise ReadFailed("a list that does not go on", status=200)\n',
            "                    return\n",
            f"{ILL_SHAPED}a_list_that_cannot_be_read_whole_fails",
        ),
        (
            "what is no list is not an empty one",
            '        raise ReadFailed("a list that is none", status=200)\n',
            "        return []\n",
            f"{ILL_SHAPED}a_list_that_cannot_be_read_whole_fails",
        ),
        (
            "a list that is read backwards is in order",
            "if len(known) < len(numbers) or any(later <= earlier for later, earlier in pairwise(known)):",
            "if False:",
            f"{ILL_SHAPED}a_list_that_is_not_read_backwards_without_a_gap_fails",
        ),
        (
            "a list that is read backwards has no gap",
            "if self._lowest is not None and (not known or known[0] < self._lowest):",
            "if False:",
            f"{ILL_SHAPED}a_list_that_is_not_read_backwards_without_a_gap_fails",
        ),
        (
            "a list is read to its end",
            "if not rows or _total(content, offset) <= offset:",
            "if True:",
            f"{ILL_SHAPED}a_list_without_a_total_ends_with_an_empty_page",
        ),
    ),
    *guards_of(
        "client/bsg_client/bsg_client.py",
        (
            "details of another campaign are none of this one's",
            ' or whole_number(data.get("id", bsg_id)) != bsg_id:',
            ":",
            f"{ILL_SHAPED}details_that_are_no_campaigns_or_another_ones_fail",
        ),
        (
            "a stop counts only if the answer is the campaign",
            "campaign is not None and campaign.id == bsg_id else",
            "campaign is not None else",
            f"{ILL_SHAPED}a_stop_counts_only_if_the_answer_is_the_campaign",
        ),
        (
            "a 422 to a stop means past stopping only by itself",
            " and not failure.throttled and failure.account_reason is None:",
            ":",
            f"{ILL_SHAPED}an_error_code_in_a_422_to_a_stop_is_not_taken_for_being_past_stopping",
        ),
        (
            "a request is made a second time only with a new token",
            (
                "        if not isinstance(answer, Answer) or answer.status != _UNAUTHORISED:\n"
                "            return answer\n"
            ),
            "",
            f"{CLIENT}each_fault_that_leaves_it_open_is_in_doubt_whether_it_was_kept_or_not",
        ),
        (
            "a second POST takes a slot of its own",
            "        before_second()\n",
            "",
            f"{SUBMIT}a_request_that_is_made_again_with_a_new_token_takes_a_slot_of_its_own",
        ),
        (
            "each request of the reading methods asks for leave",
            "            self._before_read()\n",
            "",
            f"{CLIENT}each_page_asks_for_leave_first",
        ),
        (
            "without a token nothing was taken",
            ("            return _without_access(failure)\n        except RedisError:\n            # Asked"),
            (
                '            return Outcome(OutcomeKind.IN_DOUBT, "no token")\n'
                "        except RedisError:\n"
                "            # Asked"
            ),
            f"{CLIENT}a_login_that_nobody_answers_leaves_nothing_taken",
        ),
    ),
    *guards_of(
        "client/bsg_client/tokens.py",
        (
            "one worker at a time logs in",
            "owner, nx=True, px=",
            "owner, px=",
            f"{TOKENS}of_many_workers_with_the_same_bad_token_one_logs_in",
        ),
        (
            "a token that another has got meanwhile is used",
            "token = standing if standing and standing != failed else self._login()",
            "token = self._login()",
            f"{TOKENS}a_token_that_another_worker_got_between_our_look_and_our_turn_is_used",
        ),
        (
            "a failed login lets the next one try",
            "            self._release(keys=[self._login_key], args=[owner])\n",
            "",
            f"{TOKENS}a_failed_login_lets_the_next_worker_try_at_once",
        ),
        (
            "nobody waits for a login without end",
            (
                "            if clock.monotonic() >= deadline:\n"
                '                raise ReadFailed("another worker is still logging in")\n'
            ),
            "",
            f"{TOKENS}nobody_waits_for_anothers_login_without_end",
        ),
        hang=["nobody waits for a login without end"],
    ),
    *guards_of(
        "client/bsg_client/replace_token.lua",
        (
            "only the token that failed is replaced",
            "if standing == ARGV[1] then",
            "if true then",
            f"{TOKENS}a_login_that_took_too_long_does_not_replace_the_token_of_a_later_one",
        ),
    ),
    *guards_of(
        "client/bsg_client/release_login.lua",
        (
            "another's login is left alone",
            "if redis.call('GET', KEYS[1]) == ARGV[1] then",
            "if true then",
            f"{TOKENS}whoever_releases_a_login_leaves_anothers_alone",
        ),
    ),
)
