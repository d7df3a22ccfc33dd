"""`send --dry-run`: preview a file, for people and for programs. Nothing is sent or stored."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bsg_cli.connection import settings_in
from bsg_cli.errors import CommandError, ExitCode, Unreachable
from bsg_cli.printing import messages, number, print_json, print_table
from bsg_config.account import Account
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.preparation import SuppressedAmong
from bsg_producer.asking_bsg import ask_about
from bsg_producer.errors import QueueUnavailable, ReportUnavailable
from bsg_producer.preview import Preview, count
from bsg_producer.queue_errors import queue_errors

REJECTS_SHOWN = 20
CHARACTERS_SHOWN = 20


class PriceUnknown(CommandError):
    """BSG did not report the price."""

    exit_code = ExitCode.UNREACHABLE


def preview_file(
    rows: Iterable[Mapping[str, Any]],
    line: Callable[[], int],
    campaign_options: CampaignOptions,
    *,
    account: str,
    data_directory: Path,
    price: bool,
) -> tuple[Preview, list[int]]:
    """Return the preview, and the line in the file on which each of its rejects begins.

    `line` returns the first line of the last row. Only the price needs Redis. Without Redis, no phone counts as
    suppressed. Raise PriceUnknown, Unreachable, BadInput and SettingsInvalid.
    """
    settings = _settings(data_directory, needed=price)
    lines = array("q")
    with queue_errors():
        counts = count(
            _noting(rows, line, lines), campaign_options, suppressed=_suppressed(settings), with_phones=price
        )
    try:
        known = settings or Settings.from_environment()
        preview = ask_about(counts, known, known.of_account(account), price=price)
    except ReportUnavailable as unknown:
        raise PriceUnknown(f"--price: {unknown}. Try again, or leave it out.") from None
    return preview, [lines[reject.index] for reject in preview.rejects[:REJECTS_SHOWN]]


def print_preview(preview: Preview, lines: list[int], shown: str, account: Account) -> None:
    """Print the preview for people. `shown` is the file's name."""
    print(f"Nothing was sent or stored. {messages(preview.accepted)} of {shown} would be accepted:")
    print(f"  to be sent   {number(preview.sent)} in {number(preview.batches)} batches, which take ", end="")
    print(f"{preview.seconds_at_least:.1f} s\n               or more under the rate limit of {account.bsg_rate_limit}")
    print(f"  rejected     {number(sum(preview.rejected.values()))}")
    for code, times in preview.rejected.items():
        print(f"    {code:<24} {number(times)}")
    print_table(
        ("alphabet", "messages", "segments"),
        [
            (name, number(encoded.messages), number(encoded.segments))
            for name, encoded in (("GSM-7", preview.gsm7), ("UCS-2", preview.ucs2))
        ],
    )
    if preview.transliterated:
        print(f"BSG transliterates {messages(preview.transliterated)}; their alphabet and segments are an estimate, ")
        print("as its table is not known.")
    if preview.ucs2_characters:
        frequent = list(preview.ucs2_characters.items())[:CHARACTERS_SHOWN]
        print(f"UCS-2 because of {', '.join(f'{_shown(one)} in {number(times)}' for one, times in frequent)}")
    for line, reject in zip(lines, preview.rejects, strict=False):
        field = f" {reject.field}:" if reject.field else ""
        print(f"{shown}, line {line}:{field} {reject.message}")
    if (more := sum(preview.rejected.values()) - len(lines)) > 0:
        print(f"… and {number(more)} more")
    for warning in preview.warnings:
        print(f"Warning: {warning}.")
    if preview.price is not None:
        print(f"It would cost {preview.price.amount} {preview.price.currency}, BSG says.")


def print_preview_json(preview: Preview, lines: list[int]) -> None:
    """Print the preview as one line of JSON for programs, without phones."""
    print_json(
        {
            "accepted": preview.accepted,
            "sent": preview.sent,
            "batches": preview.batches,
            "rejected": preview.rejected,
            "first_rejects": [
                {"line": line, "field": reject.field, "code": reject.code, "message": reject.message}
                for line, reject in zip(lines, preview.rejects, strict=False)
            ],
            "transliterated": preview.transliterated,
            "segments": {"gsm7": preview.gsm7, "ucs2": preview.ucs2},
            "ucs2_characters": dict(list(preview.ucs2_characters.items())[:CHARACTERS_SHOWN]),
            "seconds_at_least": preview.seconds_at_least,
            "warnings": preview.warnings,
            **({} if preview.price is None else {"price": preview.price}),
        }
    )


def _settings(data_directory: Path, *, needed: bool) -> Settings | None:
    try:
        return settings_in(data_directory)
    except Unreachable:
        if needed:
            raise
        return None


def _suppressed(settings: Settings | None) -> SuppressedAmong | None:
    if settings is None:
        return None
    ledger = Ledger(connect(settings))
    try:
        with queue_errors():
            ledger.reach()
    except QueueUnavailable:
        return None
    return ledger.suppressions.among


def _noting(
    rows: Iterable[Mapping[str, Any]], line: Callable[[], int], lines: array[int]
) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        lines.append(line())
        yield row


def _shown(character: str) -> str:
    point = f"U+{ord(character):04X}"
    return f"{character} ({point})" if character.isprintable() else point
