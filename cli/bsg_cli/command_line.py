"""Read the command line and run the command. An expected failure ends with a message and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bsg_cli.commands import (
    account,
    audit,
    calibrate,
    control,
    demo,
    doctor,
    events,
    explain,
    gate,
    healthcheck,
    message,
    reading,
    report,
    resolve,
    sandbox,
    send,
    stream,
    suppression,
    up,
)
from bsg_cli.embedded_server import DATA_DIRECTORY
from bsg_cli.errors import CommandError, ExitCode
from bsg_cli.examples import add_examples
from bsg_cli.message_files import option_hint
from bsg_cli.parsing import CommandLine, Commands, commands_of
from bsg_cli.printing import complain, drop_output, make_output_safe
from bsg_config.connection_names import name_connections, name_of_process
from bsg_config.settings_invalid import SettingsInvalid
from bsg_producer import (
    BSGCampaignsError,
    CampaignInvalid,
    CampaignNotFound,
    EnqueueUnconfirmed,
    FileInvalid,
    IdempotencyConflict,
    MessageInvalid,
    MessageNotFound,
    QueueUnavailable,
    ReportUnavailable,
)

# In the order of the help.
_GROUPS = (
    send,
    stream,
    message,
    reading,
    report,
    events,
    explain,
    control,
    resolve,
    suppression,
    gate,
    account,
    audit,
    doctor,
    calibrate,
    healthcheck,
    up,
    demo,
)

_EXIT_CODES: dict[type[BSGCampaignsError], ExitCode] = {
    CampaignInvalid: ExitCode.MISUSE,
    CampaignNotFound: ExitCode.MISUSE,
    IdempotencyConflict: ExitCode.MISUSE,
    MessageInvalid: ExitCode.MISUSE,
    MessageNotFound: ExitCode.MISUSE,
    QueueUnavailable: ExitCode.UNREACHABLE,
    EnqueueUnconfirmed: ExitCode.UNREACHABLE,
    ReportUnavailable: ExitCode.UNREACHABLE,
}


def run_command_line(words: list[str]) -> int:
    """Run the command that the words name. Return the exit code, as `bsg_cli.main.main` does."""
    if "_ARGCOMPLETE" in os.environ:  # a shell requests completions
        _complete()
    make_output_safe()
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except (CommandError, SettingsInvalid, BSGCampaignsError) as error:
        complain(f"bsg-campaigns: {_message_of(error, words)}")
        return _exit_code(error)
    except BrokenPipeError:
        # The reader of our output, such as `head`, has closed it.
        drop_output()
        return ExitCode.OK
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        complain(f"bsg-campaigns: {where}{error.strerror or error}")
        drop_output()
        return ExitCode.FAILED


def command_line() -> CommandLine:
    """Return the whole command line."""
    whole = argparse.ArgumentParser(
        prog="bsg-campaigns",
        description="Bulk SMS campaigns through BSG One API. Settings come from the environment: see .env.example.",
        epilog="Exit codes: 0; 1 failed; 2 misuse or bad input; 3 Redis or BSG unreachable.",
    )
    whole.add_argument("--version", action="version", version=f"%(prog)s {version('bsg-campaigns')}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON, one document per line")
    common.add_argument(
        "--data-directory",
        type=Path,
        default=Path(DATA_DIRECTORY),
        metavar="DIR",
        help=f"the directory of the embedded server, which runs if REDIS_URL is not set (default: {DATA_DIRECTORY})",
    )
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True, action=Commands)
    for group in _GROUPS:
        group.add_to(commands, common)
    add_examples(commands_of(whole))
    sandbox.add_to(commands)
    return CommandLine(whole, commands_of(whole))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line, for tools that inspect it."""
    return command_line().whole


def _complete() -> None:
    import argcomplete

    argcomplete.autocomplete(parser())


def _run(words: list[str]) -> int:
    if words[:1] == ["sandbox"]:
        return sandbox.run(words[1:])
    try:
        arguments = command_line().parse(words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else ExitCode.MISUSE
    name_connections(name_of_process("cli"))
    return ExitCode(arguments.run(arguments))


def _message_of(error: Exception, words: Sequence[str]) -> str:
    if isinstance(error, FileInvalid):
        return f"{error}{option_hint(error.option)}"
    if isinstance(error, CampaignInvalid):
        name_of = command_line().name_of
        lines = (f"{name_of(field, words)}: {' '.join(messages)}" for field, messages in error.errors.items())
        return "\n  ".join(lines)
    if isinstance(error, MessageInvalid):
        return f"{command_line().name_of(error.field, words)}: {error.message}." if error.field else str(error)
    if isinstance(error, EnqueueUnconfirmed) and "--idempotency-key" not in words:
        return (
            "Redis did not confirm that it was accepted. Repeat the command with "
            f"--idempotency-key {error.idempotency_key}: it is accepted once, however often you try."
        )
    return str(error)


def _exit_code(error: Exception) -> ExitCode:
    if isinstance(error, CommandError):
        return error.exit_code
    if isinstance(error, SettingsInvalid):
        return ExitCode.MISUSE
    for kind, code in _EXIT_CODES.items():
        if isinstance(error, kind):
            return code
    return ExitCode.FAILED
