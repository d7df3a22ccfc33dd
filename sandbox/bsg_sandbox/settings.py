"""How the sandbox behaves when no fault is on order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

_CHOICES = {
    "duplicates": ("reject_whole", "drop_singly", "allow"),
    "phone_twice": ("refuse", "allow"),
    "funds": ("whole", "as_sent"),
    "callbacks": ("loopback", "everywhere", "never"),
}
_LARGEST = 1e9  # waits that the platform's clocks can count, sums that stay finite


class SandboxSettingsInvalid(ValueError):
    """Some settings are wrong. `errors` says by name what is wrong."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {fault}" for name, fault in sorted(errors.items())))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How the sandbox behaves. Durations are in seconds of its clock; `latency` and `callback_pause` in real seconds.

    `sending_seconds` is for each 10 000 messages. `undelivered_share`, from 0 to 1, of each campaign ends as
    undelivered. A text that contains `spam_word` does not pass moderation. `zone_offset_hours`: the zone of all dates,
    in hours east of UTC. `price_per_segment` is in `currency`. `rate_limit`: the requests a second above which an
    account gets 429 (0: no limit).

    `duplicates`: what happens to a reference id that is taken: `reject_whole`, `drop_singly` or `allow`. It stays taken
    for `reference_memory` seconds (0: for ever). `duplicate_request_window`: the same body gets 429 within this time
    (0: never). `phone_twice` in a campaign: `refuse` or `allow`. `funds`: `whole` refuses a campaign that the balance
    does not cover, `as_sent` pauses it when the funds run out. BSG's page allows `stop_in_creation` and a
    `sender_minimum` of 1, BSG's document does not.

    `callbacks`: the hosts that delivery reports are pushed to: `loopback`, `everywhere` or `never`. A report that does
    not get 200 is pushed again after `callback_pause` seconds, then after twice as many, `callback_attempts` times in
    all. `stat_job_seconds`: how long a statistics job takes. An account has at most `stat_jobs_at_most`.

    >>> SandboxSettings(sending_seconds=5).changed({"latency": 0.05}).latency
    0.05
    >>> SandboxSettings().changed({"latency": -1.0})
    Traceback (most recent call last):
    bsg_sandbox.settings.SandboxSettingsInvalid: latency: must not be negative
    """

    seed: int = 0
    latency: float = 0.0
    sink: bool = False
    creation_seconds: float = 0.2
    moderation_seconds: float = 0.0
    sending_seconds: float = 1.0
    delivery_seconds: float = 0.3
    undelivered_share: float = 0.0
    spam_word: str = "#spam#"
    zone_offset_hours: float = 0.0
    token_lifetime: float = 3600.0
    second_login_voids: bool = False
    duplicates: str = "reject_whole"
    reference_memory: float = 0.0
    duplicate_request_window: float = 0.0
    phone_twice: str = "refuse"
    stop_in_creation: bool = False
    sender_minimum: int = 3
    funds: str = "whole"
    callbacks: str = "loopback"
    callback_attempts: int = 5
    callback_pause: float = 1.0
    stat_job_seconds: float = 0.2
    stat_jobs_at_most: int = 10
    rate_limit: float = 0.0
    price_per_segment: float = 0.01
    currency: str = "EUR"

    def changed(self, changes: Mapping[str, object]) -> SandboxSettings:
        """Return the settings with these changes. Raise SandboxSettingsInvalid for unknown names and wrong values."""
        errors: dict[str, str] = {}
        accepted: dict[str, Any] = {}
        present = asdict(self)
        for name, value in changes.items():
            if name not in present:
                errors[name] = f"unknown; known are {', '.join(field.name for field in fields(self))}"
            elif fault := _fault_of(name, value, present[name]):
                errors[name] = fault
            else:
                accepted[name] = type(present[name])(value)
        if errors:
            raise SandboxSettingsInvalid(errors)
        return replace(self, **accepted)


def _fault_of(name: str, value: object, present: object) -> str | None:
    kind = type(present)
    accepted = (int, float) if kind is float else (kind,)
    if type(value) not in accepted:
        return f"must be {kind.__name__}"
    if name in _CHOICES and value not in _CHOICES[name]:
        return f"must be one of {', '.join(_CHOICES[name])}"
    if isinstance(value, int | float) and name == "zone_offset_hours":
        return None if -23 <= value <= 23 else "must be between -23 and 23"
    if name == "undelivered_share" and isinstance(value, int | float):
        return None if 0 <= value <= 1 else "must be between 0 and 1"
    if isinstance(value, int | float) and name != "seed" and not value >= 0:
        return "must not be negative"
    if isinstance(value, int | float) and name != "seed" and not value <= _LARGEST:
        return f"must not be above {_LARGEST:g}"
    return None
