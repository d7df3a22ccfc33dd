"""Active faults: which kinds there are, and which requests they happen to."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

CREATE = "/api/campaigns/sms/send-individual"
CREATE_ANY = "/api/campaigns/sms/*"
MESSAGES = "/api/messages"
EVERYTHING = "/api/*"


class FaultInvalid(ValueError):
    """There is no such kind of fault, or it does not have such an option."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: the method and the path that it happens to by default, and its options with their defaults."""

    method: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = {
    "latency": Kind("POST", CREATE, {"seconds": 1.0}),
    "throttle": Kind("POST", CREATE, {"retry_after": None}),
    "server_error_before": Kind("POST", CREATE, {"status": 500}),
    "server_error_after": Kind("POST", CREATE, {"status": 502}),
    "cut_before": Kind("POST", CREATE, {"after_bytes": None}),
    "cut_after": Kind("POST", CREATE),
    "silence_before": Kind("POST", CREATE, {"seconds": 0.0}),
    "silence_after": Kind("POST", CREATE, {"seconds": 0.0}),
    "duplicate_notice_after": Kind("POST", CREATE),
    "garbage_after": Kind("POST", CREATE, {"shape": "html"}),
    "no_funds": Kind("POST", CREATE, {"status": 200}),
    "user_blocked": Kind("*", EVERYTHING, {"status": 200}),
    "http_200_error": Kind("POST", CREATE, {"code": 5, "status": 200}),
    "token_expired": Kind("*", EVERYTHING),
    "token_voided_by_second_login": Kind("POST", "/api/auth/login"),
    "rows_refused": Kind("POST", CREATE, {"rows": (), "phones": (), "field": "phone", "shape": "object"}),
    "drop": Kind("POST", CREATE, {"rows": ()}),
    "duplicates": Kind("POST", CREATE_ANY, {"mode": "reject_whole"}),
    "late_visibility": Kind("GET", MESSAGES, {"seconds": 5.0}),
    "ignored_filters": Kind("GET", EVERYTHING),
    "slow_totals": Kind("GET", "/api/campaigns/*/detail", {"seconds": 5.0}),
    "zone": Kind("*", EVERYTHING, {"offset_hours": 3.0}),
    "redirect": Kind("POST", CREATE, {"status": 307, "location": None}),
    "endless_response": Kind("POST", CREATE, {"pause": 0.01}),
}
_TYPES: Mapping[type, tuple[type, ...]] = {
    float: (int, float),
    int: (int,),
    str: (str,),
    tuple: (list, tuple, range, set, frozenset),
}
_CHOICES = {
    ("garbage_after", "shape"): ("html", "broken_json", "empty", "no_id", "half"),
    ("rows_refused", "shape"): ("object", "list"),
    ("duplicates", "mode"): ("reject_whole", "drop_singly", "allow"),
}


_SERVER_ERROR = re.compile(r"(?P<status>[1-5]\d\d)_(?P<when>before|after)")


def next_fault(name: str) -> tuple[str, dict[str, Any]]:
    """Return the kind and the options of the fault that `fail_next` adds."""
    match = _SERVER_ERROR.fullmatch(name)
    if match is None:
        return name, {"times": 1}
    return f"server_error_{match['when']}", {"times": 1, "status": int(match["status"])}


MAX_SECONDS = 1e9  # longer waits than the platform's clocks can count


def _within_bounds(name: str, value: Any) -> bool:
    if name == "location":
        return value is None or (isinstance(value, str) and value.isprintable())
    if name == "retry_after":
        return value is None or (isinstance(value, str) and value.isprintable()) or _is_count(value)
    if name == "after_bytes":
        return value is None or (isinstance(value, int) and _is_count(value))
    if name == "status":
        return bool(100 <= value <= 599)
    if name == "offset_hours":
        return bool(-23 <= value <= 23)
    return not isinstance(value, int | float) or _is_count(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_SECONDS


def _check_when(first: Any, requests: Any, probability: Any, seed: Any, times: Any) -> None:
    for name, value in (("first", first), ("times", times)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise FaultInvalid(f"{name} must be a whole number")
    if not isinstance(seed, int | str):
        raise FaultInvalid("seed must be a whole number or a text")
    if requests is not None and not all(isinstance(number, int) for number in requests):
        raise FaultInvalid("requests must be whole numbers")
    if probability is not None and not (_is_count(probability) and probability <= 1):
        raise FaultInvalid("probability must be between 0 and 1")


@dataclass(slots=True)
class Fault:
    """An active fault. `seen` counts the requests that it was possible for, `happened` those it happened to."""

    id: int
    kind: str
    method: str
    path: str
    options: dict[str, Any] = field(repr=False)
    first: int | None = None
    requests: frozenset[int] | None = None
    probability: float | None = None
    seed: int = 0
    times: int | None = None
    seen: int = 0
    happened: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Count a request. Return whether the fault happens to it."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        if self.times is not None and self.happened >= self.times:
            return False
        if self.first is not None and self.seen > self.first:
            return False
        if self.requests is not None and self.seen not in self.requests:
            return False
        if self.probability is not None:
            # Draw by the request's number, so that other faults do not affect which requests are struck.
            drawn = random.Random(f"{self.seed}:{self.seen}").random()  # noqa: S311 - repeatable, not secret
            if drawn >= self.probability:
                return False
        self.happened += 1
        return True


@dataclass(frozen=True, slots=True)
class Struck:
    """The faults that happen to one request, by kind. Of two faults of the same kind, the later one counts."""

    by_kind: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __contains__(self, kind: str) -> bool:
        return kind in self.by_kind

    def option(self, kind: str, name: str) -> Any:
        """Return an option of a fault that happens to the request."""
        return self.by_kind[kind][name]


class Faults:
    """All active faults. Threads may share it."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []
        self._given = 0
        self._lock = threading.Lock()

    def order(
        self,
        kind: str,
        *,
        first: int | None = None,
        requests: Sequence[int] | None = None,
        probability: float | None = None,
        seed: int = 0,
        times: int | None = None,
        path: str | None = None,
        method: str | None = None,
        **options: Any,
    ) -> int:
        """Add a fault and return its number, from 1. Raise FaultInvalid. `Sandbox.fault` explains the arguments."""
        known = KINDS.get(kind)
        if known is None:
            raise FaultInvalid(f"no such fault; there are {', '.join(sorted(KINDS))}")
        unknown = sorted(set(options) - set(known.options))
        if unknown:
            raise FaultInvalid(f"{kind} has no option {', '.join(unknown)}; it has {sorted(known.options)}")
        for name, value in options.items():
            expected = _TYPES.get(type(known.options[name]))
            if expected is not None and (isinstance(value, bool) or not isinstance(value, expected)):
                raise FaultInvalid(f"{name} of {kind} has the wrong type")
            if not _within_bounds(name, value):
                raise FaultInvalid(f"{name} of {kind} is out of bounds")
        for (of_kind, name), choices in _CHOICES.items():
            if of_kind == kind and options.get(name, choices[0]) not in choices:
                raise FaultInvalid(f"{name} must be one of {', '.join(choices)}")
        _check_when(first, requests, probability, seed, times)
        if not all(isinstance(word, str | None) for word in (path, method)):
            raise FaultInvalid("path and method must be texts")
        with self._lock:
            self._given += 1
            fault = Fault(
                id=self._given,
                kind=kind,
                method=method or known.method,
                path=path or known.path,
                options={**known.options, **options},
                first=first,
                requests=None if requests is None else frozenset(requests),
                probability=probability,
                seed=seed,
                times=times,
            )
            self._ordered.append(fault)
            return fault.id

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._ordered.clear()

    def strike(self, method: str, path: str) -> Struck:
        """Count a request with every fault. Return the faults that happen to it."""
        if not self._ordered:
            return Struck()
        with self._lock:
            return Struck({f.kind: f.options for f in self._ordered if f.strikes(method, path)})

    def on_order(self) -> list[dict[str, Any]]:
        """Return the active faults, with how often each was possible (`seen`) and how often it `happened`."""
        with self._lock:
            return [
                {
                    "id": fault.id,
                    "kind": fault.kind,
                    "method": fault.method,
                    "path": fault.path,
                    "seen": fault.seen,
                    "happened": fault.happened,
                }
                for fault in self._ordered
            ]
