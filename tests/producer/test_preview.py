"""What `preview` returns: the checks and batches of a worker, with nothing sent or stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
import redis

from bsg_config.settings import Settings
from bsg_producer import AsyncProducer, CampaignInvalid, Producer, ReportUnavailable
from bsg_producer.preview import Encoded
from bsg_sandbox.server import Sandbox
from tests.servers import free_port

FIRST = 380_660_000_000


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def settings_for(redis_url: str, sandbox: Sandbox | None = None, **settings: Any) -> Settings:
    at_bsg = {} if sandbox is None else {"bsg_base_url": sandbox.url, "bsg_api_key": "live_sandbox"}
    return Settings.build(redis_url=redis_url, **at_bsg, **settings)


def messages(*texts: str) -> list[Mapping[str, Any]]:
    return [{"phone": FIRST + index, "text": text} for index, text in enumerate(texts)]


def test_segments_are_counted_by_encoding_with_the_characters_that_force_ucs2(redis_url: str) -> None:
    preview = Producer(settings_for(redis_url)).preview(messages("a" * 161, "Привіт", "Hi"), sender="MyShop")

    assert (preview.accepted, preview.sent) == (3, 3)
    assert (preview.gsm7, preview.ucs2) == (Encoded(2, 3), Encoded(1, 1))
    assert preview.ucs2_characters["П"] == 1
    assert "a" not in preview.ucs2_characters


def test_segments_of_transliterated_messages_are_an_estimate_and_named_so(redis_url: str) -> None:
    rows = messages("Привіт " * 20, "Привіт " * 20, "Olé")
    rows[1] = {**rows[1], "transliterate": False}

    preview = Producer(settings_for(redis_url)).preview(rows, sender="MyShop", transliterate=True)

    assert (preview.gsm7, preview.ucs2) == (Encoded(2, 2), Encoded(1, 3))
    assert preview.transliterated == 2


def test_rejects_have_their_reason_and_index(redis_url: str) -> None:
    rows = [*messages("Hi"), {"phone": "12", "text": "Hi"}, {"phone": FIRST}]

    preview = Producer(settings_for(redis_url)).preview(rows, sender="MyShop")

    assert preview.rejected == {"invalid_phone": 1, "missing_text": 1}
    assert [(reject.index, reject.code) for reject in preview.rejects] == [(1, "invalid_phone"), (2, "missing_text")]


def test_a_suppressed_phone_is_a_reject(redis_url: str) -> None:
    producer = Producer(settings_for(redis_url))
    producer.suppress([FIRST + 1])

    assert producer.preview(messages("Hi", "Hi"), sender="MyShop").rejected == {"suppressed": 1}


def test_batches_and_the_least_duration_follow_the_settings(redis_url: str) -> None:
    settings = settings_for(redis_url, campaign_batch_size="10", bsg_rate_limit="30/m")

    preview = Producer(settings).preview(messages(*["Hi"] * 41), sender="MyShop")

    assert (preview.batches, preview.seconds_at_least) == (5, 8.0)


def test_nothing_is_stored_and_nothing_sent(redis_url: str, sandbox: Sandbox) -> None:
    Producer(settings_for(redis_url, sandbox)).preview(messages("Hi"), sender="MyShop", price=True)

    assert sandbox.summary().messages == 0
    assert list(redis.Redis.from_url(redis_url).scan_iter("bsg:campaign*")) == []


def test_the_price_is_what_bsg_says(redis_url: str, sandbox: Sandbox) -> None:
    producer = Producer(settings_for(redis_url, sandbox))

    price = producer.preview(messages("Hi", "Hi", "a" * 161), sender="MyShop", price=True).price

    assert price is not None
    assert (price.amount, price.currency) == (Decimal("0.04"), "EUR")


def test_a_price_that_bsg_does_not_report_is_an_error(redis_url: str, sandbox: Sandbox) -> None:
    sandbox.fault("server_error_before", method="POST", path="/api/campaigns/price", status=500)

    with pytest.raises(ReportUnavailable, match="price"):
        Producer(settings_for(redis_url, sandbox)).preview(messages("Hi"), sender="MyShop", price=True)


def test_a_sender_that_is_not_registered_or_blocked_is_a_warning(redis_url: str, sandbox: Sandbox) -> None:
    sandbox.put_account(
        "live_sandbox",
        senders=[
            {"sender": "MyShop", "status": "active", "country": "UA"},
            {"sender": "OldShop", "status": "blocked", "country": "UA"},
        ],
    )
    producer = Producer(settings_for(redis_url, sandbox))

    assert producer.preview(messages("Hi"), sender="MyShop").warnings == ()
    (blocked,) = producer.preview(messages("Hi"), sender="OldShop").warnings
    assert "BSG calls it blocked in UA" in blocked
    (unknown,) = producer.preview(messages("Hi"), sender="NoShop").warnings
    assert "BSG has not registered it" in unknown


def test_senders_that_bsg_does_not_report_are_a_warning_and_no_error(redis_url: str) -> None:
    settings = settings_for(redis_url, bsg_api_key="live_sandbox", bsg_base_url=f"http://127.0.0.1:{free_port()}")

    (warning,) = Producer(settings).preview(messages("Hi"), sender="MyShop").warnings

    assert "BSG did not list which senders are registered" in warning


def test_a_short_sender_is_a_warning_without_asking_bsg(redis_url: str) -> None:
    (warning,) = Producer(settings_for(redis_url)).preview(messages("Hi"), sender="MS").warnings

    assert "fewer than 3 characters" in warning


def test_options_are_checked_as_enqueue_checks_them(redis_url: str) -> None:
    wrong: Any = {"validity": 99, "colour": "red"}

    with pytest.raises(CampaignInvalid) as invalid:
        Producer(settings_for(redis_url)).preview(messages("Hi"), sender="MyShop", **wrong)

    assert invalid.value.errors.keys() == {"validity", "colour"}


def test_asyncio_apps_preview_what_they_iterate_asynchronously(redis_url: str, sandbox: Sandbox) -> None:
    async def rows() -> AsyncIterator[Mapping[str, Any]]:
        for message in messages("Hi", "Hi"):
            await asyncio.sleep(0)
            yield message

    async def accepted() -> int:
        async with AsyncProducer(settings_for(redis_url, sandbox)) as producer:
            return (await producer.preview(rows(), sender="MyShop", price=True)).accepted

    assert asyncio.run(accepted()) == 2


def test_a_test_send_takes_the_first_messages_rendered_to_one_phone(redis_url: str) -> None:
    producer = Producer(settings_for(redis_url))
    rows = [{"phone": FIRST + number, "name": f"N{number}", "reference_id": f"r{number}"} for number in range(9)]

    receipt = producer.send_test(rows, to="+380 50 777-77-77", rows=2, sender="MyShop", text="Hi {{ name }}")

    assert receipt.messages == 2
    assert producer.status(receipt.campaign_id).counts["unprepared"] == 2


@pytest.mark.parametrize(("field", "wrong"), [("to", {"to": "12"}), ("rows", {"to": FIRST, "rows": 0})])
def test_a_test_send_to_what_is_no_phone_or_of_no_rows_is_refused(redis_url: str, field: str, wrong: Any) -> None:
    with pytest.raises(CampaignInvalid) as invalid:
        Producer(settings_for(redis_url)).send_test(messages("Hi"), sender="MyShop", **wrong)

    assert invalid.value.errors.keys() == {field}
