"""One point: its process is killed there, once alone and once more with all that recovers from it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bsg_ledger.records import CampaignStatus, Transition
from bsg_ledger.states import BatchState, ChunkState
from tests.chaos.accounts import Account, account_of
from tests.chaos.campaigns import ChaosCampaign
from tests.chaos.checker import judge
from tests.chaos.findings import CheckResult
from tests.chaos.journal import Enqueued, Journal, enqueued
from tests.chaos.phones import phones_by_index
from tests.chaos.stops import TimeToStop
from tests.chaos.stream_checker import StreamSends, positions_by_key
from tests.failpoints.arming import arm, armed, disarm
from tests.failpoints.environment import TrialEnvironment
from tests.failpoints.points import AFTER_EACH
from tests.failpoints.processes import COMMAND
from tests.failpoints.scenarios import Scenario
from tests.failpoints.trial import Trial

REACHED_WITHIN = 90.0
DONE_WITHIN = 400.0
STUCK_AFTER = 1.5  # seconds without a transition, and since the last ageing, after which what is waited for is aged
SECONDS_BETWEEN_CHECKS = 0.1
COURSE = (
    "leased", "claimed", "intent", "taken", "prepared", "enqueued", "begun by stream", "collects messages", "BSG:",
    "an operator has to decide",
)  # fmt: skip
CAUSES_SHOWN = 3


class NotShown(Exception):
    """Nobody died at the point, or not all was done in the end."""


@dataclass(slots=True)
class Outcome:
    """`seconds` from the first kill until all was done, besides those that were `aged`.

    `kills`: SIGKILLs, the first included. `recovered_by`: what moved the campaign on, by the ledger's own causes.
    """

    point: str
    scenario: Scenario
    recovered_by: str = ""
    seconds: float = 0.0
    aged: float = 0.0
    kills: int = 0
    result: CheckResult = field(default_factory=CheckResult)
    trouble: str = ""

    @property
    def held(self) -> bool:
        return not self.trouble and self.result.proves_the_promise


def run_trial(trial_environment: TrialEnvironment, point: str, scenario: Scenario, *, again: bool) -> Outcome:
    """Kill at the point and let heal; `again`: whoever recovers is killed too, once after each effect that it has."""
    outcome = Outcome(point, scenario)
    trial = Trial(trial_environment, point)
    killed_before, began = trial_environment.processes.kills, datetime.now(UTC)
    try:
        scenario(trial)
        died = _wait_for_the_death(trial)
        if again:
            arm(trial_environment.armed, *AFTER_EACH)
        trial.afterwards()
        outcome.aged = _wait_until_done(trial)
        outcome.seconds = time.time() - died
        disarm(trial_environment.armed)
        statuses = _statuses(trial)
        outcome.recovered_by = _recovered_by(trial, statuses, died, began)
        outcome.result = _check(trial)
        for status in statuses:
            trial_environment.let_rest(status)
    except (NotShown, AssertionError) as failure:
        outcome.trouble = str(failure)
    finally:
        disarm(trial_environment.armed)
        _clean_up(trial)
        trial_environment.processes.look_after()  # a death is counted when it is seen
        outcome.kills = trial_environment.processes.kills - killed_before
    return outcome


def _wait_for_the_death(trial: Trial) -> float:
    trial_environment = trial.trial_environment
    stop_at = time.monotonic() + REACHED_WITHIN
    while armed(trial_environment.armed):
        if time.monotonic() > stop_at:
            raise NotShown(f"nobody reached `{trial.point}` within {REACHED_WITHIN:.0f} s: {_statuses(trial)}")
        time.sleep(0.01)
        trial_environment.processes.look_after()
        if trial.tick is not None:
            trial.tick()
            time.sleep(0.2)
    return time.time()


def _wait_until_done(trial: Trial) -> float:
    """Until all is final; return the seconds that were aged."""
    aged, aged_at = 0.0, 0.0
    stop_at = time.monotonic() + DONE_WITHIN
    while True:
        trial.trial_environment.processes.look_after()
        unfinished = [status for status in _statuses(trial) if not _is_done(status)]
        if not unfinished and trial.done() and not trial.trial_environment.processes.command_runs:
            return aged
        if time.monotonic() > stop_at:
            raise NotShown(f"not done after {DONE_WITHIN:.0f} s: {unfinished}")
        for status in unfinished:
            trial.trial_environment.response(status, _phones(trial, status))
            if _stuck(status) and time.monotonic() - aged_at > STUCK_AFTER:
                aged += trial.trial_environment.age(status)
                aged_at = time.monotonic()
        if trial.tick is not None:
            trial.tick()
        time.sleep(SECONDS_BETWEEN_CHECKS)


def _is_done(status: CampaignStatus) -> bool:
    """Final, and what BSG dropped without a word is found out: its total is the size of each batch."""
    return status.state.final and all(
        batch.total_messages == batch.size for batch in status.batches if batch.state == BatchState.FINISHED
    )


def _stuck(status: CampaignStatus) -> bool:
    return (datetime.now(UTC) - status.transitions[-1].when).total_seconds() > STUCK_AFTER


def _statuses(trial: Trial) -> list[CampaignStatus]:
    names = {campaign.key for campaign in trial.campaigns} | {message.stream for message in trial.messages}
    reading = trial.trial_environment.ledger.reading
    # A campaign may be forgotten after it was listed.
    statuses = (
        reading.status(each.campaign_id) for each in trial.trial_environment.producer.campaigns() if each.name in names
    )
    return [status for status in statuses if status is not None]


def _phones(trial: Trial, status: CampaignStatus) -> dict[int, int]:
    """Return the phones of what an operator is asked about, by index."""
    if trial.messages and status.name == trial.stream:
        ledger, cipher = trial.trial_environment.ledger, trial.trial_environment.runtime.cipher
        asked = [batch.id for batch in status.batches if batch.needs_operator and batch.state == BatchState.UNCONFIRMED]
        return {index: phone for batch in asked for index, phone in phones_by_index(ledger, batch, cipher).items()}
    campaign = next(each for each in trial.campaigns if each.key == status.name)
    return {index: campaign.phone(index) for index in range(campaign.size)}


def _recovered_by(trial: Trial, statuses: Sequence[CampaignStatus], died: float, began: datetime) -> str:
    after = [
        transition
        for status in statuses
        for transition in status.transitions
        if transition.when.timestamp() >= died - 0.001
    ]
    causes = [transition.cause for transition in after if not _of_course(transition)]
    receipts = trial.receipts.read_text().split() if trial.receipts.exists() else []
    if receipts and trial.trial_environment.processes.died_since(began, COMMAND):
        causes.insert(0, f"the web app's next try: {'duplicate' if 'duplicate' in receipts else receipts[-1]}")
    if not causes and after:
        causes = [f"the next wake-up or tick: {after[0].to_state}"]
    shown = list(dict.fromkeys(causes))[:CAUSES_SHOWN]
    return "; ".join(shown) or "nothing was left to do"


def _of_course(transition: Transition) -> bool:
    """Return whether it would have come without a crash too."""
    return transition.cause.startswith(COURSE) or transition.to_state == ChunkState.PREPARED


def _check(trial: Trial) -> CheckResult:
    trial_environment = trial.trial_environment
    producer, ledger = trial_environment.producer, trial_environment.ledger
    accounts: dict[str, list[Account]] = {campaign.key: [] for campaign in trial.campaigns}
    of_stream: list[Account] = []
    for status in _statuses(trial):
        if trial.messages and status.name == trial.stream:
            of_stream.append(account_of(producer, ledger, status.campaign_id, of_stream=True))
        else:
            accounts[status.name].append(account_of(producer, ledger, status.campaign_id))
    for name, account in trial.forgotten.items():
        if not accounts[name]:
            accounts[name] = [account]
    ours = {campaign.phone(index) for campaign in trial.campaigns for index in range(campaign.size)}
    ours |= {message.phone for message in trial.messages}
    arrivals = {
        phone: len(ids) for phone, ids in trial_environment.sandbox.record().recipients.items() if phone in ours
    }
    campaigns = [_tried(campaign, accounts[campaign.key]) for campaign in trial.campaigns]
    return judge(campaigns, accounts, arrivals, TimeToStop(), [_sends(trial, of_stream)] if trial.messages else [])


def _tried(campaign: ChaosCampaign, accounts: Sequence[Account]) -> tuple[ChaosCampaign, Enqueued]:
    """By the time that all is done every web app has its receipt."""
    receipt = accounts[0].campaign_id if accounts else None
    return campaign, Enqueued(campaign.number, receipt=receipt, certain_that_none=False)


def _sends(trial: Trial, accounts: Sequence[Account]) -> StreamSends:
    tried = enqueued(Journal(trial.journal).entries())
    return StreamSends(
        trial.stream,
        [(message, tried[message.number]) for message in trial.messages],
        positions_by_key(trial.trial_environment.ledger, trial.stream, trial.messages),
        accounts,
    )


def _clean_up(trial: Trial) -> None:
    trial_environment = trial.trial_environment
    if trial_environment.processes.command_runs:
        trial_environment.processes.end(COMMAND)
    trial.cleanup.close()
    trial_environment.sandbox.clear_faults()
