"""What values print of themselves ends in logs and tracebacks: never a phone, a text or a key."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_broker.wakeups import Wakeups
from bsg_client import BSGClient, Outcome, OutcomeKind
from bsg_client.wire import Response, StreamedBody
from bsg_config.redis_address import RedisAddress
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.batch_id import BatchId
from bsg_ledger.work import OpenHours, Prepare, Recheck, Send
from bsg_messages.columns import pack, unpack
from bsg_messages.fast_path import check_columns
from bsg_messages.messages import check_message
from bsg_messages.preparation import prepare
from bsg_messages.rejects import Reject, RejectCode, Violation
from bsg_messages.template import Template
from bsg_producer import Producer
from bsg_sandbox.accounts import Account
from bsg_worker.failures import TaskFailed, without_contents
from bsg_worker.runtime import build
from tests.producer.campaigns import CAMPAIGN, options_of
from tests.security.secrets import FIRST_PHONE, KEY, KEY_OF_SECOND, NAME, QUOTED_PASSWORD, TEXT, messages, secrets_in

SETTINGS = Settings.build(bsg_api_key=KEY, redis_url=f"redis://user:{QUOTED_PASSWORD}@localhost/0", bsg_auth="api-key")
WITH_SECOND = Settings.from_environment(
    {"BSG_API_KEY": KEY, "BSG_API_KEY__SECOND": KEY_OF_SECOND, "REDIS_URL": "redis://h"}
)
OPTIONS = options_of(text=f"{TEXT} {{{{ name }}}}", callback_url=f"https://example.com/{TEXT}")
CHUNK = unpack(pack(list(messages(3)), Template.parse(f"{TEXT} {{{{ name }}}}")).content)
COLUMNS = check_columns(CHUNK, sender="MyShop", texts=[TEXT] * 3, generated_ids=["a", "b", "c"])
BODY = f'[{{"phone":{FIRST_PHONE},"text":"{TEXT}"}}]'.encode()
VALUES: dict[str, Any] = {
    "settings": SETTINGS,
    "settings of two accounts": WITH_SECOND,
    "settings of a named account": WITH_SECOND.of_account("second"),
    "address": RedisAddress.parse(str(SETTINGS.redis_url)),
    "producer": Producer(SETTINGS),
    "wake-ups": Wakeups(connect(SETTINGS)),
    "runtime": build(SETTINGS),
    "options": OPTIONS,
    "template": Template.parse(TEXT),
    "chunk": CHUNK,
    "columns": COLUMNS,
    "prepared": prepare(CHUNK, OPTIONS, campaign_id=CAMPAIGN, first_index=0, batch_size=10),
    "message": check_message({"phone": FIRST_PHONE, "sender": "Shop", "text": TEXT}),
    "violation": Violation("phone", RejectCode.REFUSED_BY_BSG, f"{FIRST_PHONE} is wrong"),
    "reject": Reject(0, str(FIRST_PHONE), "", "phone", RejectCode.INVALID_PHONE, "not a phone"),
    "chunk to prepare": Prepare(
        "c", 0, "t", packed=BODY, options=OPTIONS.to_json(), first_index=0, size=1, suppressions=0
    ),
    "batch": Send(BatchId("c-0"), "t", options=OPTIONS.to_json(), size=1, attempts=0, body=BODY),
    "batch to hold against the list": Recheck(BatchId("c-0"), OPTIONS.to_json(), BODY, [0], 1, 0, 0, 1),
    "campaign without hours": OpenHours("c", OPTIONS.to_json(), 0, 0),
    "client": BSGClient(SETTINGS.account, None),
    "outcome with a violation": Outcome(
        OutcomeKind.ROWS_REFUSED,
        "422",
        violations={0: Violation("phone", RejectCode.REFUSED_BY_BSG, f"{FIRST_PHONE} is wrong")},
    ),
    "body": StreamedBody((BODY,), lambda: True),
    "response": Response(200, {}, BODY),
    "account": Account(KEY),
}


@pytest.mark.parametrize("name", VALUES)
def test_no_value_prints_what_it_holds_in_confidence(name: str) -> None:
    assert secrets_in(repr(VALUES[name])) == []
    assert secrets_in(str(VALUES[name])) == []
    assert secrets_in(f"{[VALUES[name]]}") == []


def test_a_task_that_fails_names_the_kind_and_the_frames_alone() -> None:
    @without_contents
    def failing(text: str) -> str:
        raise KeyError(f"{text} for {NAME}")

    with pytest.raises(TaskFailed, match=r"^KeyError at .*test_what_values_show.py:\d+ failing$") as raised:
        failing(TEXT)

    assert raised.value.__suppress_context__
    assert secrets_in(repr(raised.value)) == []
