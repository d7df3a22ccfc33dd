"""One run of chaos, from the first start to the result."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.chaos.accounts import Account, account_of
from tests.chaos.campaigns import ChaosCampaign
from tests.chaos.checker import judge
from tests.chaos.conservation import ConservationWatch
from tests.chaos.environment import ChaosEnvironment
from tests.chaos.faults import Faults
from tests.chaos.healing import Healing, named
from tests.chaos.journal import Enqueued, Journal, enqueued
from tests.chaos.messages import STREAMS, ChaosMessage
from tests.chaos.plan import PRODUCERS, STREAM_PRODUCERS, plan
from tests.chaos.producer_process import journal_path
from tests.chaos.provider import ProviderMode
from tests.chaos.recovery import recovery_of
from tests.chaos.report import figures, histories, say
from tests.chaos.stream_checker import StreamSends, positions_by_key
from tests.servers import Kind

PROGRESS_SECONDS = 10.0


def run(directory: Path, *, seed: int, minutes: float, provider_mode: ProviderMode, server_kind: Kind) -> bool:
    """Print what it came to; return whether the promise held."""
    seconds = minutes * 60
    say(f"chaos: {minutes:g} minutes, seed {seed}, BSG {provider_mode}, {server_kind} server")
    with ChaosEnvironment(directory, seed, provider_mode, server_kind) as environment:
        faults = Faults(environment)
        with ConservationWatch(environment.watched) as watch:
            progress = Progress(environment, faults, watch)
            environment.warm_up()
            faults.carry_out(plan(seed, seconds), seconds, lambda _: progress.report("faults"))
            healed = Healing(environment, progress.report).heal()
        accounts = _accounts(environment)
        arrivals = environment.sandbox.recipients()
        (directory / "arrivals.json").write_text(json.dumps(arrivals))  # what no other file has, if judging fails
        result = judge(
            _tried(environment),
            {name: several for name, several in accounts.items() if name not in STREAMS},
            {phone: len(ids) for phone, ids in arrivals.items()},
            environment.sandbox.time_to_stop(),
            _streams(environment, accounts),
        )
        result.findings += watch.findings
        recovery = recovery_of(
            account.status.transitions for several in accounts.values() for account in several if account.status
        )
    say(figures(result, faults, healed, recovery, watch))
    if not result.proves_the_promise:
        say(histories(result, accounts, arrivals))
    if healed.unfinished:
        say(f"not final after {healed.seconds:.0f} s: {named(healed.unfinished, at_most=20)}")
    say(f"seed              {seed} ({provider_mode})")
    return result.proves_the_promise and not healed.unfinished


class Progress:
    """A line every ten seconds."""

    def __init__(self, environment: ChaosEnvironment, faults: Faults, watch: ConservationWatch) -> None:
        self._environment = environment
        self._faults = faults
        self._watch = watch
        self._began = time.monotonic()
        self._next = PROGRESS_SECONDS

    def report(self, phase: str) -> None:
        elapsed = time.monotonic() - self._began
        if elapsed < self._next:
            return
        self._next = elapsed - elapsed % PROGRESS_SECONDS + PROGRESS_SECONDS
        receipts = sum(campaign.receipt is not None for _, campaign in _tried(self._environment))
        kills = sum(self._faults.kills().values())
        arrived = self._environment.sandbox.control.summary().messages
        say(
            f"{elapsed:5.0f} s {phase}: {receipts} receipts, {self._watch.accepted} messages of streams,"
            f" {arrived} messages arrived, {kills} kills of"
            f" {sum(self._faults.happened.values())} faults, {len(self._environment.processes.running())} processes run"
        )


def _tried(environment: ChaosEnvironment) -> Iterable[tuple[ChaosCampaign, Enqueued]]:
    for producer in range(len(PRODUCERS)):
        entries = Journal(journal_path(environment.directory, producer)).entries()
        for number, campaign in enqueued(entries).items():
            yield ChaosCampaign.drawn(environment.seed, producer, number), campaign


def _streams(environment: ChaosEnvironment, accounts: Mapping[str, list[Account]]) -> Iterable[StreamSends]:
    tried: dict[str, list[tuple[ChaosMessage, Enqueued]]] = {name: [] for name in STREAMS}
    for producer in range(len(PRODUCERS), len(PRODUCERS) + len(STREAM_PRODUCERS)):
        entries = Journal(journal_path(environment.directory, producer)).entries()
        for number, sent in enqueued(entries).items():
            message = ChaosMessage.drawn(environment.seed, producer, number)
            tried[message.stream].append((message, sent))
    for name, sends in tried.items():
        known = positions_by_key(environment.ledger, name, [message for message, _ in sends])
        yield StreamSends(name, sends, known, accounts.get(name, []))


def _accounts(environment: ChaosEnvironment) -> dict[str, list[Account]]:
    by_name: dict[str, list[Account]] = {}
    for summary in environment.producer.campaigns():
        by_name.setdefault(summary.name, []).append(
            account_of(environment.producer, environment.ledger, summary.campaign_id, of_stream=summary.name in STREAMS)
        )
    return by_name
