"""One trial of a scenario on a trial_environment: its campaigns, the point that is armed, and what is to be taken
back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any

from bsg_client.outcomes import OutcomeKind
from bsg_config import clock
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.settings import Settings
from bsg_ledger.batch_id import BatchId
from bsg_ledger.campaigns import Acceptance, Accepted, Campaigns
from bsg_ledger.ledger import Ledger
from bsg_ledger.records import CampaignStatus
from bsg_ledger.scripts import Scripts
from bsg_ledger.work import Send
from bsg_messages.bodies import unpacked
from bsg_messages.body_cipher import BodyCipher
from bsg_producer import enqueueing
from bsg_producer.campaign_arguments import check_options
from bsg_worker.runtime import submit_rules
from tests.chaos.accounts import Account
from tests.chaos.campaigns import ChaosCampaign
from tests.chaos.journal import Journal
from tests.chaos.messages import ChaosMessage
from tests.failpoints import programs
from tests.failpoints.arming import arm
from tests.failpoints.environment import TrialEnvironment
from tests.processes import wait_until
from tests.worker.harness import prepare_next

TIMEOUT_SECONDS = 90.0
MESSAGES_A_STREAM = 10_000
MAX_EARLY_US = 10_000_000  # so that no slot is waited for that others have taken
TEMPLATE = ChaosCampaign(
    producer=0,
    number=0,
    size=3,
    priority="normal",
    templated=False,
    own_reference_ids=False,
    deadline_seconds=None,
    given_up_after_failure=False,
    second_thoughts="none",
    account=DEFAULT_ACCOUNT,
)


class _WithoutWakeUp(Campaigns):
    def accept(self, acceptance: Acceptance) -> Accepted:
        return super().accept(replace(acceptance, wake_up=None))


class Trial:
    """`afterwards` runs once the process has died; `tick` again and again until all is done; `cleanup` at the end.

    `forgotten`: accounts that were taken before the ledger forgot their campaigns. `stream` has `messages`, if any.
    """

    def __init__(self, trial_environment: TrialEnvironment, point: str) -> None:
        self.trial_environment = trial_environment
        self.point = point
        self.receipts = trial_environment.directory / f"receipts-{secrets.token_hex(4)}"
        self.journal = self.receipts.with_suffix(".journal")
        self.campaigns: list[ChaosCampaign] = []
        self.stream = ""
        self.messages: list[ChaosMessage] = []
        self.phones: dict[str, dict[int, int]] = {}
        self.afterwards: Callable[[], object] = lambda: None
        self.tick: Callable[[], object] | None = None
        self.done: Callable[[], bool] = lambda: True
        self.cleanup = ExitStack()
        self.forgotten: dict[str, Account] = {}

    def arm(self) -> None:
        arm(self.trial_environment.armed, self.point)

    def new(self, size: int = 3, **changes: Any) -> ChaosCampaign:
        """Return a campaign that no other trial of this run has had."""
        trial_environment = self.trial_environment
        campaign = replace(
            TEMPLATE, producer=trial_environment.number, number=trial_environment.next_number(), size=size, **changes
        )
        self.campaigns.append(campaign)
        return campaign

    def web_app_enqueues(self, campaign: ChaosCampaign, *, slow: bool = False, **settings: str) -> None:
        """A process that tries under the campaign's key until it has a receipt."""
        self.trial_environment.processes.command(
            programs.enqueue, programs.fields_of(campaign), self.receipts, slow, **settings
        )

    def new_messages(self, number_of_messages: int = 3) -> list[ChaosMessage]:
        """Return messages of a stream that no other trial of this run has had."""
        number = self.trial_environment.next_number()
        self.stream = f"stream-{number}"
        first = number * MESSAGES_A_STREAM
        self.messages = [
            ChaosMessage(self.trial_environment.number, first + index, self.stream)
            for index in range(number_of_messages)
        ]
        return self.messages

    def web_app_sends(self, messages: Sequence[ChaosMessage], program: Callable[..., None] = programs.send) -> None:
        """A process that tries each message under its key until it has a receipt: one by one, or by `send_many`."""
        fields = [asdict(each) for each in messages]
        self.trial_environment.processes.command(program, fields, self.journal, self.receipts)

    def send(self, messages: Sequence[ChaosMessage], **options: Any) -> None:
        """Send them from this process, which is not killed."""
        list(programs.send_each(self.trial_environment.producer, messages, Journal(self.journal), **options))

    def enqueue(self, campaign: ChaosCampaign, **arguments: Any) -> str:
        """Enqueue it from this process, which is not killed; return its id."""
        receipt = self.trial_environment.producer.enqueue(
            campaign.messages(),
            sender="MyShop",
            text=campaign.text,
            idempotency_key=campaign.key,
            name=campaign.key,
            **arguments,
        )
        return receipt.campaign_id

    def enqueue_without_a_wake_up(
        self, campaign: ChaosCampaign, messages: Iterable[Mapping[str, Any]] | None = None, **settings: str
    ) -> str:
        """Its wake-up is lost."""
        options = check_options(
            {"sender": "MyShop", "name": campaign.key},
            Settings.from_environment({**self.trial_environment.environment, **settings}),
            clock.now(),
        )
        ledger = Ledger(self.trial_environment.client)
        ledger.campaigns = _WithoutWakeUp(self.trial_environment.client, Scripts(self.trial_environment.client))
        receipt = enqueueing.enqueue(
            ledger,
            messages or campaign.messages(),
            options,
            campaign.key,
            account=campaign.account,
            cipher=BodyCipher(()),
        )
        return receipt.campaign_id

    def status(self, campaign_id: str) -> CampaignStatus:
        return self.trial_environment.producer.status(campaign_id)

    def wait_for(self, campaign_id: str, holds: Callable[[CampaignStatus], object], what: str) -> None:
        def looked() -> object:
            self.trial_environment.processes.look_after()
            return holds(self.status(campaign_id))

        wait_until(looked, within=TIMEOUT_SECONDS, what=what)

    def prepare_chunks(self, campaign_id: str, chunks: int) -> None:
        """Prepare them in this process."""
        for _ in range(chunks):
            if prepare_next(self.trial_environment.runtime, campaign_id) is None:
                raise RuntimeError("the chunk is prepared already")

    def dispatch(self, campaign_id: str, *, lease_ms: int, account: str | None = None) -> Send:
        """Dispatch a batch of the campaign to a worker that then is gone."""
        rules = replace(
            submit_rules(self.trial_environment.settings, self.trial_environment.settings.account),
            lease_ms=lease_ms,
            account=account or self.trial_environment.runtime.account.id,
            early_us=MAX_EARLY_US,
        )
        work = self.trial_environment.ledger.dispatcher(rules).next("gone")
        if not isinstance(work, Send) or work.batch.campaign_id != campaign_id:
            raise RuntimeError("another batch was to be dispatched")
        return work

    def bsg_takes(self, campaign_id: str, batch: int) -> int:
        """BSG gets the batch, and the ledger knows nothing of it; returns the BSG campaign's id."""
        body = self.trial_environment.ledger.reading.body(BatchId.of(campaign_id, batch))
        if body is None:
            raise RuntimeError("there is no such batch")
        outcome = self.trial_environment.runtime.client.send_individual(
            unpacked(body, campaign_id, self.trial_environment.runtime.cipher), {}, lambda: True
        )
        if outcome.kind is not OutcomeKind.TAKEN or outcome.campaign is None:
            raise RuntimeError(f"BSG did not take it: {outcome.cause}")
        return outcome.campaign.id
