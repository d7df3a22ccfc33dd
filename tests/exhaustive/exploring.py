"""Breadth first over every interleaving, each distinct state once; then backwards from the ends."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from dataclasses import dataclass, field

import redis

from tests.exhaustive.attendants import attendant_steps
from tests.exhaustive.model import Kind, Model, Size, State
from tests.exhaustive.recorded_calls import RecordedCalls
from tests.exhaustive.rules import broken_by_call, broken_in_ledger, broken_together, final
from tests.exhaustive.surroundings import surrounding_steps
from tests.exhaustive.workers import worker_steps

RESCUES = frozenset({Kind.COURSE, Kind.RESOLVE, Kind.RELENT})
STATES_BETWEEN_CHECKS = 1_000
BY_THEMSELVES = frozenset({Kind.COURSE, Kind.RELENT})


@dataclass(frozen=True)
class Violation:
    """A broken rule with the shortest way to it."""

    rule: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        steps = "\n".join(f"  {number:2}. {words}" for number, words in enumerate(self.path, 1))
        return f"BROKEN {self.rule}\n{steps}"


@dataclass
class Exploration:
    """What came of one size."""

    size: Size
    states: int = 0
    steps: int = 0
    ledgers: int = 0
    scripts_run: int = 0
    seconds: float = 0.0
    complete: bool = True
    ends: int = 0
    need_operator: int = 0
    violations: list[Violation] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        whole = "every state" if self.complete else "NOT every state"
        return (
            f"{self.size.name}: {self.states} states, {self.steps} steps, {self.ledgers} states of the ledger, "
            f"{self.scripts_run} runs of its scripts, {self.seconds:.1f} s; {whole}; {self.ends} ends, "
            f"{self.need_operator} states that need an operator; {len(self.violations)} rules broken"
        )


class Explorer:
    def __init__(self, client: redis.Redis, size: Size) -> None:
        self.model = Model(size, RecordedCalls(client, in_steps=size.in_steps))
        self.result = Exploration(size)
        self._numbers: dict[State, int] = {}
        self._states: list[State] = []
        self._parents = array("l")
        self._words: list[str] = []
        self._edges: dict[Kind, tuple[array[int], array[int]]] = {kind: (array("l"), array("l")) for kind in Kind}
        self._rules_seen: set[str] = set()
        self._ledgers_checked = self._calls_checked = 0

    def explore(self, *, at_most: int | None = None, stop_at_first: bool = False) -> Exploration:
        """Visits every state, `at_most` so many; `stop_at_first`: until a rule is found broken."""
        begun = time.monotonic()
        result = self.result
        try:
            self._visit(at_most, stop_at_first)
        finally:
            # An actor may stumble over what a broken rule has left: the rule is what is to be reported.
            self._check_ledgers()
        if result.complete:
            self._look_back()
        result.states, result.ledgers = len(self._states), len(self.model.calls.pictures)
        result.scripts_run = self.model.calls.scripts_run
        result.seconds = time.monotonic() - begun
        return result

    def _visit(self, at_most: int | None, stop_at_first: bool) -> None:
        self._add(self.model.normalized(self.model.first()), -1, "")
        at = 0
        while at < len(self._states):
            if stop_at_first and at % STATES_BETWEEN_CHECKS == 0:
                self._check_ledgers()
            found_enough = stop_at_first and self.result.violations
            if found_enough or (at_most is not None and len(self._states) >= at_most):
                self.result.complete = False
                break
            self._expand(at)
            at += 1

    def _expand(self, at: int) -> None:
        state, model = self._states[at], self.model
        for steps in (worker_steps, attendant_steps, surrounding_steps):
            for words, kind, raw in steps(model, state):
                then = model.normalized(raw)
                self.result.steps += 1
                if then == state:
                    continue
                self.result.words[words] += 1
                number = self._numbers.get(then)
                if number is None:
                    number = self._add(then, at, words)
                sources, targets = self._edges[kind]
                sources.append(at)
                targets.append(number)

    def _add(self, state: State, parent: int, words: str) -> int:
        number = self._numbers[state] = len(self._states)
        self._states.append(state)
        self._parents.append(parent)
        self._words.append(words)
        for rule in broken_together(self.model.size, self.model.picture(state), state):
            self._violated(rule, number)
        return number

    def path(self, number: int) -> tuple[str, ...]:
        words = []
        while self._parents[number] >= 0:
            words.append(self._words[number])
            number = self._parents[number]
        return tuple(reversed(words))

    def _violated(self, rule: str, number: int) -> None:
        if rule not in self._rules_seen:
            self._rules_seen.add(rule)
            self.result.violations.append(Violation(rule, self.path(number)))

    def _check_ledgers(self) -> None:
        """The rules of the ledger alone, for each of its states and each call that was made since the last time."""
        pictures, calls = self.model.calls.pictures, self.model.calls.calls()
        broken: dict[int, list[str]] = {}
        for number in range(self._ledgers_checked, len(pictures)):
            picture = pictures[number]
            if picture.campaign and (rules := list(broken_in_ledger(picture))):
                broken[number] = rules
        for before, call, reply, after in calls[self._calls_checked :]:
            for rule in broken_by_call(pictures[before], call, reply, pictures[after]):
                broken.setdefault(before, []).append(rule)
        self._ledgers_checked, self._calls_checked = len(pictures), len(calls)
        for number, rules in broken.items():
            at = next((n for n, state in enumerate(self._states) if state.ledger == number), None)
            for rule in rules:
                self._violated(rule, 0 if at is None else at)

    def _look_back(self) -> None:
        """Which states reach an end: by themselves, or with an operator's word."""
        pictures = self.model.calls.pictures
        ends = [number for number, state in enumerate(self._states) if final(pictures[state.ledger])]
        self.result.ends = len(ends)
        by_themselves = self._reaching(ends, BY_THEMSELVES)
        rescued = self._reaching(ends, RESCUES)
        self.result.need_operator = sum(by_themselves) and len(self._states) - sum(by_themselves)
        for number, reached in enumerate(rescued):
            if not reached:
                self._violated("no end can be reached, not even by an operator's word", number)

    def _reaching(self, ends: list[int], kinds: frozenset[Kind]) -> bytearray:
        count = len(self._states)
        starts = array("l", [0]) * (count + 1)
        for kind in kinds:
            for target in self._edges[kind][1]:
                starts[target + 1] += 1
        for number in range(count):
            starts[number + 1] += starts[number]
        fill, sources = array("l", starts), array("l", [0]) * starts[count]
        for kind in kinds:
            for source, target in zip(*self._edges[kind], strict=True):
                sources[fill[target]] = source
                fill[target] += 1
        reached, waiting = bytearray(count), list(ends)
        for number in ends:
            reached[number] = 1
        while waiting:
            number = waiting.pop()
            for source in sources[starts[number] : starts[number + 1]]:
                if not reached[source]:
                    reached[source] = 1
                    waiting.append(source)
        return reached
