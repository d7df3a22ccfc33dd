"""Every guard that keeps the promise, by floor and subject."""

from __future__ import annotations

from tests.mutation.guard import Guard
from tests.mutation.guards import (
    client,
    command_line,
    going_back,
    keys,
    ledger_campaigns,
    ledger_doubt,
    ledger_outcomes,
    ledger_sending,
    ledger_shared,
    producer,
    stops,
    worker_doubt,
    worker_sending,
)

GUARDS: tuple[Guard, ...] = (
    *ledger_shared.GUARDS,
    *ledger_sending.GUARDS,
    *ledger_outcomes.GUARDS,
    *ledger_doubt.GUARDS,
    *ledger_campaigns.GUARDS,
    *stops.GUARDS,
    *worker_sending.GUARDS,
    *worker_doubt.GUARDS,
    *going_back.GUARDS,
    *keys.GUARDS,
    *client.GUARDS,
    *producer.GUARDS,
    *command_line.GUARDS,
)
