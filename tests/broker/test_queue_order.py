from __future__ import annotations

from collections import Counter

import pytest

from bsg_broker.queue_order import ServiceOrder
from bsg_broker.queues import WORKER_QUEUES


def served(order: ServiceOrder, waiting: Counter[str], times: int) -> list[str]:
    """Return which queues a worker takes so many messages from, as Redis hands out the first that has one."""
    taken: list[str] = []
    for _ in range(times):
        queue = next(queue for queue in order.consume(len(WORKER_QUEUES)) if waiting[queue])
        waiting[queue] -= 1
        taken.append(order.rotate(queue))
    return taken


@pytest.fixture
def order() -> ServiceOrder:
    return ServiceOrder(WORKER_QUEUES)


def test_campaigns_without_a_turn_get_four_for_one_of_those_that_go_on(order: ServiceOrder) -> None:
    waiting = Counter({"submit.normal": 50, "prepare.normal": 50})

    assert Counter(served(order, waiting, 30)) == {"submit.normal": 6, "prepare.normal": 24}


def test_those_that_go_on_wait_for_four_turns_of_others_at_most(order: ServiceOrder) -> None:
    taken = "".join(queue[0] for queue in served(order, Counter({"submit.low": 50, "prepare.low": 50}), 30))

    assert "ppppp" not in taken
    assert "ss" not in taken


def test_a_queue_that_was_idle_has_saved_up_no_turns(order: ServiceOrder) -> None:
    served(order, Counter({"submit.normal": 20}), 20)

    assert Counter(served(order, Counter({"submit.normal": 20, "prepare.normal": 20}), 10))["prepare.normal"] <= 8


def test_a_higher_priority_is_served_before_any_turn_of_a_lower_one(order: ServiceOrder) -> None:
    waiting = Counter({"submit.low": 5, "prepare.normal": 2, "submit.high": 2, "prepare.high": 2})

    taken = served(order, waiting, 6)

    assert {queue.partition(".")[2] for queue in taken[:4]} == {"high"}
    assert taken[4:] == ["prepare.normal", "prepare.normal"]
