"""What runs in the processes that are killed: Celery's own, web apps, and an operator's commands.

Each ends with 0 when it has done what it was for, and is started again when it has not.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from bsg_config import clock
from bsg_config.settings import Settings
from bsg_ledger import scripts
from bsg_producer import CampaignInvalid, MessageReceipt, Producer, enqueueing
from bsg_worker.recovery.audit import audit
from bsg_worker.recovery.recover import record_late, recover
from bsg_worker.runtime import build
from tests.chaos.campaigns import ChaosCampaign
from tests.chaos.journal import Journal, enqueued
from tests.chaos.messages import ChaosMessage, with_short_campaigns
from tests.failpoints.arming import install

CAMPAIGN_SECONDS = 2.0  # of the campaigns of streams
PAUSE_SECONDS = 0.05  # between two messages of a stream


def begin(environment: Mapping[str, str], log: Path) -> None:
    """Make the fork a process of its own: its environment, and its output in `log`."""
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    scripts.BATCHES_A_STEP = 1  # so that there is something between two steps
    install()


def celery(environment: Mapping[str, str], log: Path, arguments: Sequence[str]) -> None:
    begin(environment, log)
    sys.argv = ["celery", *arguments]
    from celery.__main__ import main

    main()


def enqueue(environment: Mapping[str, str], log: Path, campaign: Mapping[str, Any], receipts: Path, slow: bool) -> None:
    """A web app that enqueues under an idempotency key. `slow`: its iterable takes so long that chunks are renewed."""
    begin(environment, log)
    if slow:
        enqueueing.RENEW_CHUNKS_SECONDS = 0.0
    drawn = ChaosCampaign(**campaign)
    receipt = Producer().enqueue(
        drawn.messages(), sender="MyShop", text=drawn.text, idempotency_key=drawn.key, name=drawn.key
    )
    with receipts.open("a") as file:
        file.write(f"{receipt.campaign_id} {'duplicate' if receipt.duplicate else 'accepted'}\n")


def send(
    environment: Mapping[str, str], log: Path, messages: Sequence[Mapping[str, Any]], journal: Path, receipts: Path
) -> None:
    """A web app that sends through a stream what it has no receipt for, with a pause between two messages."""
    begin(environment, log)
    for receipt in send_each(Producer(), [ChaosMessage(**message) for message in messages], Journal(journal)):
        _note(receipt, receipts)
        time.sleep(PAUSE_SECONDS)


def send_many(
    environment: Mapping[str, str], log: Path, messages: Sequence[Mapping[str, Any]], journal: Path, receipts: Path
) -> None:
    """A web app that sends through a stream what it has no receipt for, by one call."""
    begin(environment, log)
    kept = Journal(journal)
    left = _without_receipt([ChaosMessage(**message) for message in messages], kept)
    for message in left:
        kept.note(message.number, "trying")
    stream = with_short_campaigns(Producer().stream(left[0].stream, sender="MyShop"), CAMPAIGN_SECONDS)
    for message, receipt in zip(left, stream.send_many((each.content(), each.key) for each in left), strict=True):
        kept.note(message.number, "receipt", receipt.message_id)
        _note(receipt, receipts)


def send_each(
    web_app: Producer,
    messages: Sequence[ChaosMessage],
    journal: Journal,
    campaign_seconds: float = CAMPAIGN_SECONDS,
    **options: Any,
) -> Iterator[MessageReceipt]:
    """Send what the journal has no receipt for, and yield the receipts."""
    for message in _without_receipt(messages, journal):
        stream = web_app.stream(message.stream, sender="MyShop", **options)
        journal.note(message.number, "trying")
        receipt = with_short_campaigns(stream, campaign_seconds).send(message.content(), idempotency_key=message.key)
        journal.note(message.number, "receipt", receipt.message_id)
        yield receipt


def _without_receipt(messages: Sequence[ChaosMessage], journal: Journal) -> list[ChaosMessage]:
    known = enqueued(journal.entries())
    return [message for message in messages if message.number not in known or known[message.number].is_open]


def _note(receipt: MessageReceipt, receipts: Path) -> None:
    with receipts.open("a") as file:
        file.write(f"{receipt.message_id} {'duplicate' if receipt.duplicate else 'accepted'}\n")


def pause_and_resume_stream(environment: Mapping[str, str], log: Path, name: str) -> None:
    begin(environment, log)
    stream = Producer().stream(name)
    stream.pause()
    stream.resume()


def cancel_stream(environment: Mapping[str, str], log: Path, name: str) -> None:
    begin(environment, log)
    Producer().stream(name).cancel()


def resume(environment: Mapping[str, str], log: Path, campaign_id: str) -> None:
    begin(environment, log)
    Producer().resume(campaign_id)


def retry(environment: Mapping[str, str], log: Path, campaign_id: str) -> None:
    begin(environment, log)
    Producer().retry(campaign_id)


def cancel(environment: Mapping[str, str], log: Path, campaign_id: str) -> None:
    begin(environment, log)
    Producer().cancel(campaign_id)


def resolve_not_sent(environment: Mapping[str, str], log: Path, batch_id: str) -> None:
    begin(environment, log)
    with suppress(CampaignInvalid):  # done already, before the earlier process died
        Producer().resolve(batch_id, not_sent=True)


def recover_all(environment: Mapping[str, str], log: Path, since: float) -> None:
    """What `bsg-campaigns audit --recover` does, for the seconds before this moment that it is about."""
    begin(environment, log)
    runtime = build(Settings.from_environment(), slot_timeout=60)
    recover(runtime, print)
    now = clock.now()
    record_late(runtime, audit(runtime, now - timedelta(seconds=since), now))


def fields_of(campaign: ChaosCampaign) -> dict[str, Any]:
    return asdict(campaign)
