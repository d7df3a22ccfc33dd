"""Visit every state that can be reached: the rules that it breaks, and whether an end can be reached from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar, cast

from tests.exhaustive.recorded_calls import RecordedCalls, Reply
from tests.exhaustive.snapshots import Keys

Change = tuple[str, str, int | str | None]


class OfLedger(Protocol):
    """A state of everything. The ledger's own is a number of `RecordedCalls`."""

    @property
    def ledger(self) -> int: ...


S = TypeVar("S", bound=OfLedger)


class Search(ABC, Generic[S]):
    """`broken` has each broken rule with the shortest way to a state that breaks it."""

    def __init__(self, calls: RecordedCalls) -> None:
        self.calls = calls
        self.states: list[S] = []
        self.broken: dict[str, list[str]] = {}
        self.steps = 0
        self.ends = 0
        self._numbers: dict[S, int] = {}
        self._aged: dict[tuple[int, tuple[Change, ...]], int] = {}
        self._parents: list[tuple[int, str]] = []
        self._back: list[list[int]] = []

    def __str__(self) -> str:
        broken = "".join(f"\nBROKEN {rule}: {'; '.join(path)}" for rule, path in self.broken.items())
        return (
            f"{self._words()}: {len(self.states)} states,"
            f" {self.steps} steps, {self.calls.scripts_run} runs of the ledger's scripts; {self.ends} ends;"
            f" {len(self.broken)} rules broken{broken}"
        )

    def explore(self) -> None:
        self._add(self._first(), -1, "")
        at = 0
        while at < len(self.states):
            state = self.states[at]
            for words, by_itself, then in self._steps(state):
                self.steps += 1
                number = self._add(then, at, words)
                if by_itself:
                    self._back[number].append(at)
            at += 1
        self._look_back()

    @abstractmethod
    def _words(self) -> str:
        """Return what is explored."""

    @abstractmethod
    def _first(self) -> S: ...

    @abstractmethod
    def _alike(self, state: S) -> S:
        """Return the one state that stands for all that differ in nothing that matters."""

    @abstractmethod
    def _steps(self, state: S) -> Iterator[tuple[str, bool, S]]:
        """Yield the words of each step, whether it happens by itself, and what it leads to."""

    @abstractmethod
    def _broken_in(self, state: S) -> Iterator[str]: ...

    @abstractmethod
    def _is_end(self, state: S) -> bool: ...

    def _add(self, raw: S, parent: int, words: str) -> int:
        state = self._alike(raw)
        known = self._numbers.get(state)
        if known is not None:
            return known
        number = self._numbers[state] = len(self.states)
        self.states.append(state)
        self._parents.append((parent, words))
        self._back.append([])
        for rule in self._broken_in(state):
            self._violated(rule, number)
        return number

    def _call(self, state: S, *call: Any) -> tuple[Reply, S]:
        reply, ledger = self.calls.call(state.ledger, call)
        return reply, cast(Any, state)._replace(ledger=ledger)

    def _changed(self, ledger: int, *changes: Change) -> int:
        """Return the ledger with other values where it has any; None takes a key away."""
        known = self._aged.get((ledger, changes))
        if known is None:

            def change(keys: Keys) -> None:
                for key, name, value in changes:
                    if value is None:
                        del keys[key]
                    elif name in keys.get(key, {}):
                        keys[key][name] = value

            known = self._aged[ledger, changes] = self.calls.changed(ledger, change)
        return known

    def _violated(self, rule: str, number: int) -> None:
        if rule not in self.broken:
            path: list[str] = []
            while number > 0:
                number, words = self._parents[number]
                path.insert(0, words)
            self.broken[rule] = path

    def _look_back(self) -> None:
        """From every state an end is reached, without a fault and without an operator."""
        waiting = [number for number, state in enumerate(self.states) if self._is_end(state)]
        self.ends = len(waiting)
        reached = set(waiting)
        while waiting:
            for source in self._back[waiting.pop()]:
                if source not in reached:
                    reached.add(source)
                    waiting.append(source)
        for number in range(len(self.states)):
            if number not in reached:
                self._violated("no end can be reached", number)
