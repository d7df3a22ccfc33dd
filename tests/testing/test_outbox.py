from __future__ import annotations

import re

import pytest

from bsg_testing import CampaignsEnvironment

OLENA = {"phone": "+380 66 123-12-31", "name": "Olena"}
TARAS = {"phone": 380661231232, "name": "Taras"}


def test_the_outbox_has_a_campaigns_messages_rendered_before_any_worker_has_seen_them(
    environment: CampaignsEnvironment,
) -> None:
    receipt = environment.producer.enqueue([OLENA, TARAS], sender="MyShop", text="Hi {{ name }}", name="news")

    outbox = environment.outbox

    assert [(message.phone, message.text) for message in outbox] == [
        ("380661231231", "Hi Olena"),
        ("380661231232", "Hi Taras"),
    ]
    assert {(message.sender, message.campaign_name, message.state) for message in outbox} == {
        ("MyShop", "news", "unprepared")
    }
    assert environment.producer.status(receipt.campaign_id).state == "accepted"


def test_the_outbox_has_the_messages_of_streams(environment: CampaignsEnvironment) -> None:
    orders = environment.producer.stream("orders", sender="MyShop", text="Order {{ order }} is on its way")

    receipt = orders.send({"phone": "+380 66 123-12-31", "order": 1742})

    (message,) = environment.outbox.to("380661231231")
    assert (message.text, message.reference_id) == ("Order 1742 is on its way", receipt.message_id)


def test_what_the_outbox_shows_before_a_drain_is_what_bsg_gets(environment: CampaignsEnvironment) -> None:
    environment.producer.enqueue([OLENA, TARAS, {"phone": "12"}], sender="MyShop", text="Hi {{ name }}")
    environment.producer.stream("orders", sender="MyShop").send({"phone": 380661231233, "text": "On its way"})
    expected = sorted(message.reference_id for message in environment.outbox)

    environment.drain()

    assert sorted(environment.sandbox.record().by_reference) == expected
    assert len(expected) == 3
    assert sorted(message.reference_id for message in environment.outbox) == expected


def test_the_outbox_leaves_out_what_is_rejected_cancelled_or_suppressed(environment: CampaignsEnvironment) -> None:
    producer = environment.producer
    producer.enqueue([{"phone": "12"}], sender="MyShop", text="Hello")
    cancelled = producer.enqueue([OLENA], sender="MyShop", text="Hello").campaign_id
    producer.cancel(cancelled)
    producer.stream("orders", sender="MyShop").send({"phone": 380661231232, "text": "Hello"})
    producer.suppress(["380661231232"])

    outbox = environment.outbox

    assert list(outbox) == []
    assert [unsent.reason.partition(":")[0] for unsent in outbox.unsent] == ["invalid_phone", "suppressed"]


def test_assert_sent_returns_what_it_finds(environment: CampaignsEnvironment) -> None:
    environment.producer.enqueue([OLENA, TARAS], sender="MyShop", text="Hi {{ name }}")

    assert environment.assert_sent(to="+380 66 123-12-32", text="Hi Taras")[0].sender == "MyShop"
    assert len(environment.assert_sent(text=re.compile("^Hi"), sender="MyShop", times=2)) == 2


@pytest.mark.parametrize(
    "wanted", [{"to": 380661231232}, {"text": "Hi"}, {"text": re.compile("Bye")}, {"sender": "Shop"}, {"times": 2}]
)
def test_assert_sent_fails_if_nothing_matches(environment: CampaignsEnvironment, wanted: dict[str, object]) -> None:
    environment.producer.enqueue([OLENA], sender="MyShop", text="Hi {{ name }}")

    with pytest.raises(AssertionError):
        environment.assert_sent(**wanted)  # type: ignore[arg-type]


def test_a_phone_that_cannot_be_sent_to_is_a_mistake_of_the_test(environment: CampaignsEnvironment) -> None:
    with pytest.raises(ValueError, match="'066 123-12-31' is not an international phone number"):
        environment.assert_sent(to="066 123-12-31")


def test_a_failure_shows_what_was_sent_instead_and_what_was_not(environment: CampaignsEnvironment) -> None:
    environment.producer.enqueue([OLENA, {"phone": "12"}], sender="MyShop", text="Hi {{ name }}", name="news")

    with pytest.raises(AssertionError) as failure:
        environment.assert_sent(to="+380 66 123-12-31", text="Hi Taras")

    *lines, unsent = str(failure.value).splitlines()
    assert lines == [
        "expected a message (to '+380 66 123-12-31', text 'Hi Taras'), found 0",
        "Sent, or to be sent:",
        "  380661231231  'Hi Olena'  from MyShop, unprepared, campaign news",
        "Not sent:",
    ]
    assert unsent.startswith("  12  ''  invalid_phone: not an international phone number")


def test_assert_nothing_sent_fails_with_what_was_sent(environment: CampaignsEnvironment) -> None:
    environment.assert_nothing_sent()
    with pytest.raises(AssertionError, match="^expected a message, found 0"):
        environment.assert_sent()
    environment.producer.enqueue([OLENA], sender="MyShop", text="Hi {{ name }}")

    with pytest.raises(AssertionError, match="'Hi Olena'"):
        environment.assert_nothing_sent()


def test_a_failure_shows_no_more_than_twenty_messages(environment: CampaignsEnvironment) -> None:
    environment.producer.enqueue(
        [{"phone": 380661230000 + number, "text": "Hello"} for number in range(30)], sender="MyShop"
    )

    with pytest.raises(AssertionError, match="and 10 more"):
        environment.assert_nothing_sent()
