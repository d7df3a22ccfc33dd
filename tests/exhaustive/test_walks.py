"""Beyond the sizes of which every state can be visited: walks drawn by Hypothesis, which shrinks and replays them."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.exhaustive.attendants import attendant_steps
from tests.exhaustive.model import Model, Size, State
from tests.exhaustive.recorded_calls import RecordedCalls
from tests.exhaustive.rules import broken_by_call, broken_in_ledger, broken_together
from tests.exhaustive.sizes import WALKED, WALKED_HALF_OPEN
from tests.exhaustive.surroundings import surrounding_steps
from tests.exhaustive.workers import worker_steps

pytestmark = pytest.mark.timeout(600)
WALKS = settings(
    max_examples=40, stateful_step_count=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


class Walk(RuleBasedStateMachine):
    """One rule: whatever can happen next, one of it happens."""

    calls: ClassVar[RecordedCalls]
    size: ClassVar[Size]

    @initialize()
    def begin(self) -> None:
        self.model = Model(self.size, self.calls)
        self.state: State = self.model.normalized(self.model.first())

    @rule(choice=st.data())
    def happens(self, choice: Any) -> None:
        steps = [
            (words, then)
            for source in (worker_steps, attendant_steps, surrounding_steps)
            for words, _, then in source(self.model, self.state)
            if then != self.state
        ]
        if steps:
            _, then = choice.draw(st.sampled_from(steps), label="what happens")
            self.state = self.model.normalized(then)

    @invariant()
    def no_rule_is_broken(self) -> None:
        if not hasattr(self, "state"):
            return
        picture = self.model.picture(self.state)
        broken = [*broken_in_ledger(picture), *broken_together(self.size, picture, self.state)]
        assert not broken


@pytest.mark.parametrize("size", [WALKED, WALKED_HALF_OPEN], ids=lambda size: size.name)
def test_no_walk_through_a_larger_campaign_breaks_a_rule(client: redis.Redis, size: Size) -> None:
    Walk.calls, Walk.size = RecordedCalls(client, in_steps=size.in_steps), size

    run_state_machine_as_test(Walk, settings=WALKS)

    assert Walk.calls.scripts_run > 100
    pictures = Walk.calls.pictures
    broken = [
        rule
        for before, call, reply, after in Walk.calls.calls()
        for rule in broken_by_call(pictures[before], call, reply, pictures[after])
    ]
    assert not broken
    assert any(picture.trial for picture in pictures) or not size.half_open
