"""Check whether the settings fit what `calibrate` has measured."""

from __future__ import annotations

from collections.abc import Iterator

import redis

from bsg_cli.calibration_settings import contradictions
from bsg_cli.diagnosis.account import of_account
from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.printing import format_time
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger


def look_at_calibration(client: redis.Redis, settings: Settings) -> Iterator[Finding]:
    """Yield findings. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    for account in settings.accounts:
        facts = Ledger(client).provider_facts(account.id).load()
        if facts is None:
            continue
        found = contradictions(facts, account)
        for one in found:
            level = Level.PROBLEM if one.doubles else Level.WARNING
            yield Finding(one.variable, level, one.why, one.remedy)
        if not found:
            message = f"the settings fit what was measured on {format_time(facts.measured_at)}"
            yield Finding(of_account("calibration", account), Level.OK, message)
