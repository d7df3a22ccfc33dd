"""Messages that are dataclasses or pydantic models are those of mappings with their fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from bsg_config.settings import Settings
from bsg_messages.rejects import RejectCode
from bsg_producer import Message, MessageInvalid, Producer
from bsg_producer.typed_messages import as_mapping

TEXT = "Hi {{ name }}"


class Typed(Message):
    name: str


@dataclass
class Plain:
    phone: str
    name: str
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    phone: str
    name: str


class Model(BaseModel):
    phone: str
    name: str
    sender: str | None = None


KINDS: list[Callable[..., Any]] = [Typed, Plain, Frozen, Model]


@pytest.fixture
def producer(redis_url: str) -> Producer:
    return Producer(Settings.build(redis_url=redis_url))


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_takes_it_as_the_mapping_of_its_fields(producer: Producer, kind: Callable[..., Any]) -> None:
    orders = producer.stream("orders", sender="MyShop", text=TEXT)
    first = orders.send({"phone": "380661231231", "name": "Olena"}, idempotency_key="key")

    again = orders.send(kind(phone="380661231231", name="Olena"), idempotency_key="key")

    assert (again.message_id, again.duplicate) == (first.message_id, True)


@pytest.mark.parametrize("kind", [Typed, Frozen])
def test_a_campaign_takes_it_as_the_mapping_of_its_fields(producer: Producer, kind: Callable[..., Any]) -> None:
    mappings = [{"phone": "380661231231", "name": "Olena"}]
    first = producer.enqueue(mappings, sender="MyShop", text=TEXT, idempotency_key="key")

    again = producer.enqueue([kind(**one) for one in mappings], sender="MyShop", text=TEXT, idempotency_key="key")

    assert (again.campaign_id, again.duplicate) == (first.campaign_id, True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_and_a_test_send_read_its_fields(producer: Producer, kind: Callable[..., Any]) -> None:
    messages = [kind(phone="380661231231", name="Olena")]

    assert producer.preview(messages, sender="MyShop", text=TEXT).sent == 1
    producer.send_test(messages, to="380661231232", sender="MyShop", text=TEXT, idempotency_key="key")
    redirected = [{"phone": "380661231232", "name": "Olena"}]
    if kind in (Typed, Frozen):  # the others have a sender, which is None
        assert producer.enqueue(
            redirected, sender="MyShop", text=TEXT, idempotency_key="key", allow_duplicates=True
        ).duplicate


def test_a_caller_may_change_a_dataclass_and_yield_it_again(producer: Producer) -> None:
    def reused() -> Any:
        row = Plain("", "Olena")
        for number in range(2):
            row.phone = f"38066123123{number}"
            yield row

    receipt = producer.enqueue(reused(), sender="MyShop", text=TEXT, idempotency_key="key")

    apart = [Plain(f"38066123123{number}", "Olena") for number in range(2)]
    assert producer.enqueue(apart, sender="MyShop", text=TEXT, idempotency_key="key").duplicate
    assert receipt.messages == 2


class Failing(BaseModel):
    phone: str = "380661231231"

    def model_dump(self, **_: Any) -> dict[str, Any]:
        raise RuntimeError("no fields today")


@pytest.mark.parametrize("wrong", [5, "text", Plain, Model, Failing(), object()])
def test_anything_else_is_no_message_and_stops_no_other(producer: Producer, wrong: Any) -> None:
    assert as_mapping(wrong) is wrong
    with pytest.raises(MessageInvalid) as invalid:
        producer.stream("orders", sender="MyShop", text=TEXT).send(wrong)
    assert invalid.value.code == RejectCode.NOT_A_MAPPING
    preview = producer.preview([wrong, {"phone": "380661231231", "name": "Olena"}], sender="MyShop", text=TEXT)
    assert (preview.sent, preview.rejected) == (1, {"not_a_mapping": 1})
