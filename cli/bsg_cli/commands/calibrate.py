"""`calibrate`: measure what BSG's documents do not say about this account."""

from __future__ import annotations

import argparse
import sys

from bsg_cli.calibration_settings import settings_lines
from bsg_cli.commands.account_option import add_account_option
from bsg_cli.connection import settings_in
from bsg_cli.errors import BadInput, CommandError, ExitCode
from bsg_cli.printing import complain, format_time, print_json
from bsg_config.account import Account
from bsg_ledger.provider_facts import DuplicateRule, ProviderFacts
from bsg_messages import rules
from bsg_messages.rejects import Violation
from bsg_producer.queue_errors import queue_errors

MAX_PHONES = 2

_DUPLICATES = {
    DuplicateRule.REJECTED_WHOLE: "BSG rejects the whole request",
    DuplicateRule.REJECTED_SINGLY: "BSG rejects that message and takes the rest",
    DuplicateRule.REJECTED: "BSG rejects it (with a second --phone it is seen whether the rest would be taken)",
    DuplicateRule.TAKEN: "BSG sends the message AGAIN",
    DuplicateRule.UNKNOWN: "not found out",
}
_STOPS = {True: "taken", False: "refused", None: "not seen in that state"}


class NotMeasured(CommandError):
    """Nothing was measured, because BSG failed or refused a request."""

    exit_code = ExitCode.UNREACHABLE


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "calibrate", parents=[common], help="measure what BSG's documents do not say, with messages to your own phone"
    )
    parser.add_argument(
        "--phone",
        action="append",
        required=True,
        metavar="OWN",
        help="your own phone; give a second one to measure also whether one duplicate rejects the other messages",
    )
    parser.add_argument("--sender", required=True, help="a sender that BSG accepts for this account")
    parser.add_argument("--yes", action="store_true", help="do not ask for consent to the cost")
    add_account_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    phones = _checked_phones(arguments.phone)
    sender = _checked_sender(arguments.sender)
    settings = settings_in(arguments.data_directory)
    account = settings.of_account(arguments.account)
    account.require_api_key()
    from bsg_client.outcomes import ReadFailed
    from bsg_worker.runtime import build
    from bsg_worker.upkeep.calibration import MAX_MESSAGES, CalibrationFailed, calibrate, price_of_one

    with queue_errors():
        runtime = build(settings, account)
        try:
            amount, currency = price_of_one(runtime, sender=sender, phone=phones[0])
        except ReadFailed as failure:
            raise NotMeasured(f"BSG did not report the price: {failure.cause}. Nothing was sent.") from None
        if not arguments.yes and not _agrees(f"{amount * MAX_MESSAGES} {currency}", MAX_MESSAGES):
            complain("Nothing was sent.")
            return ExitCode.FAILED
        try:
            found = calibrate(runtime, sender=sender, phones=phones, report=lambda step: complain(f"calibrate: {step}"))
        except CalibrationFailed as failure:
            raise NotMeasured(f"{failure}. Nothing was stored.") from None
        runtime.ledger.provider_facts(account.id).save(found.facts)
    for bsg_id in found.running:
        complain(
            f"BSG campaign {bsg_id} could not be stopped: stop it in the account, or it is sent at "
            f"{format_time(found.starts_at)}."
        )
    if arguments.json:
        print_json({"facts": found.facts, "settings": settings_lines(found.facts, account)})
    else:
        _print(found.facts, account)
    return ExitCode.OK


def _print(facts: ProviderFacts, account: Account) -> None:
    print(f"A reference id that BSG has already: {_DUPLICATES[facts.duplicates]}.")
    print(f"A message shows in BSG's list after: {_seconds(facts.message_visible_after)}.")
    print(f"A campaign shows in BSG's list after: {_seconds(facts.campaign_listed_after)}.")
    if facts.minutes_east is None:
        print("BSG's zone: it printed no time.")
    else:
        print(f"BSG's zone: {facts.minutes_east:+d} minutes from UTC.")
    in_creation, in_scheduled = _STOPS[facts.stop_in_creation], _STOPS[facts.stop_in_scheduled]
    print(f"A stop in the state creation is {in_creation}, in scheduled {in_scheduled}.")
    print(f"Of {facts.requests} requests at {facts.rate:g}/s, BSG throttled {facts.throttled}.")
    print("\nThe settings that follow from it:")
    for line in settings_lines(facts, account):
        print(line)


def _seconds(value: float | None) -> str:
    return "longer than was waited" if value is None else f"{value:g} s"


def _agrees(cost: str, messages: int) -> bool:
    complain(
        f"Up to {messages} messages go to your phone, scheduled for later, and are stopped before they are sent. "
        f"If BSG takes no stop of them, they cost {cost}."
    )
    if not sys.stdin.isatty():
        raise BadInput("--yes: nobody is there to ask. Give it to agree to the cost.")
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")


def _checked_phones(given: list[str]) -> list[int]:
    if len(given) > MAX_PHONES:
        raise BadInput(f"--phone: {len(given)} of them. Give one, or two.")
    try:
        phones = [int(rules.phone(one)) for one in given]
    except Violation as violation:
        raise BadInput(f"--phone: {violation.message}.") from None
    if len(set(phones)) < len(phones):
        raise BadInput("--phone: the same one twice. Give a second one, or only one.")
    return phones


def _checked_sender(given: str) -> str:
    try:
        return rules.sender(given)
    except Violation as violation:
        raise BadInput(f"--sender: {violation.message}.") from None
