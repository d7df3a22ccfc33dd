"""`suppress`, `unsuppress`, `suppressed`: the phones of people who opted out."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from bsg_cli.commands.reading_options import add_reading_options, reading_of
from bsg_cli.connection import open_producer
from bsg_cli.errors import BadInput, ExitCode
from bsg_cli.message_files import open_messages
from bsg_cli.printing import number, print_json
from bsg_messages import rules
from bsg_messages.rejects import Violation
from bsg_producer.files import Reading


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    for name, run, explanation in (
        ("suppress", run_suppress, "add phones of people who opted out to the suppression list"),
        ("unsuppress", run_unsuppress, "remove phones from the suppression list"),
    ):
        parser = commands.add_parser(name, parents=[common], help=explanation)
        parser.add_argument("phones", nargs="*", metavar="PHONE", help="a phone with its country code; or give --file")
        parser.add_argument(
            "--file",
            type=Path,
            metavar="FILE",
            help="a .csv or .xlsx file with a column phone, or - for standard input",
        )
        add_reading_options(parser)
        parser.set_defaults(run=run)
    listing = commands.add_parser("suppressed", parents=[common], help="list the suppressed phones")
    listing.add_argument(
        "--source", action="store_true", help="show also where each phone came from: here, or BSG's stop list"
    )
    listing.set_defaults(run=run_list)


def run_suppress(arguments: argparse.Namespace) -> ExitCode:
    phones = _phones(arguments)
    changed = open_producer(arguments.data_directory).suppress(phones)
    return _report(
        arguments, "suppressed", phones, changed, "Never sent to: {} phones more; {} were on the list before."
    )


def run_unsuppress(arguments: argparse.Namespace) -> ExitCode:
    phones = _phones(arguments)
    changed = open_producer(arguments.data_directory).unsuppress(phones)
    return _report(
        arguments, "unsuppressed", phones, changed, "{} phones may be sent to again; {} were not on the list."
    )


def _report(arguments: argparse.Namespace, done: str, phones: Sequence[str], changed: int, sentence: str) -> ExitCode:
    """Print the result. `sentence` has a field for the changed phones and one for the others."""
    if arguments.json:
        print_json({"given": len(phones), done: changed})
    else:
        print(sentence.format(number(changed), number(len(phones) - changed)))
    return ExitCode.OK


def run_list(arguments: argparse.Namespace) -> ExitCode:
    if arguments.source:
        return _list_with_sources(arguments)
    for phone in open_producer(arguments.data_directory).suppressed():
        if arguments.json:
            print_json({"phone": phone})
        else:
            print(phone)
    return ExitCode.OK


def _list_with_sources(arguments: argparse.Namespace) -> ExitCode:
    for suppressed in open_producer(arguments.data_directory).suppressions():
        if arguments.json:
            print_json({"phone": suppressed.phone, "sources": list(suppressed.sources)})
        else:
            print(f"{suppressed.phone}  {', '.join(suppressed.sources)}")
    return ExitCode.OK


def _phones(arguments: argparse.Namespace) -> list[str]:
    """Return the phones of the command line and of the file, each once. Raise BadInput, which names file and line."""
    reading = reading_of(arguments)
    if not arguments.phones and arguments.file is None:
        raise BadInput("PHONE: none is given. Give phones, or --file FILE.")
    phones = dict.fromkeys(_checked(phone, "PHONE") for phone in arguments.phones)
    if arguments.file is not None:
        phones.update(dict.fromkeys(_of_file(arguments.file, reading)))
    return list(phones)


def _of_file(path: Path, reading: Reading) -> Iterator[str]:
    with open_messages(path, reading) as file:
        for message in file:
            if message:  # skip an empty row
                yield _checked(message.get("phone", ""), f"{file.shown}, line {file.line}: phone")


def _checked(phone: str | int, where: str) -> str:
    try:
        return rules.phone(phone)
    except Violation as violation:
        raise BadInput(f"{where}: {violation.message}. Nothing was changed.") from None
