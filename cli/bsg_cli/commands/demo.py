"""`demo`: send a campaign from a file to the sandbox, through real processes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

from bsg_cli.demo_run import DemoRun
from bsg_cli.demo_summary import summarise
from bsg_cli.errors import BadInput, CommandError, ExitCode
from bsg_cli.message_files import open_messages
from bsg_cli.ports import free_port
from bsg_cli.printing import Progress, complain, number
from bsg_cli.stop_signals import StopSignals
from bsg_ledger.records import CampaignStatus
from bsg_producer import Producer
from bsg_producer.files import MessageFile
from bsg_sandbox.control import Control, ControlFailed

CONTACTS = Path("examples/contacts.csv")
SENDER = "MyShop"
TEXT = "Hi {{ name }}, see you {{ day }} in {{ city }}"
FIELDS = ("name", "day", "city")

SECONDS_BETWEEN_LOOKS = 0.25
MAX_SECONDS = 180.0


class _Stopped(Exception):
    """The user stopped the demo before its end."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "demo", parents=[common], help="send a file through real processes to a sandbox on loopback"
    )
    parser.add_argument("--file", type=Path, metavar="FILE.csv", help=f"the file to send (default: {CONTACTS})")
    parser.add_argument("--text", help=f"a template with the file's columns (default: {TEXT!r})")
    parser.add_argument("--keep", action="store_true", help="keep everything running until Ctrl-C")
    parser.add_argument(
        "--flower-port", type=int, default=0, metavar="N", help="the port of Flower (default: 0, a free one)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    path = arguments.file or _example_contacts()
    # Reject an invalid file before any process starts.
    with open_messages(path, text=arguments.text) as file:
        text = _text_for(file, arguments.text)
    demo = DemoRun(arguments.data_directory / "demo", free_port(arguments.flower_port, "--flower-port"))
    with StopSignals() as signals:
        signals.on_repeat = demo.stop_at_once
        try:
            demo.start()
            say = complain if arguments.json else print
            say(f"Flower: {demo.flower_url}   Sandbox: {demo.sandbox_url}   Log: {demo.log}")
            code = _send(demo, path, text, arguments, signals)
            if arguments.keep:
                say("All is left running. Ctrl-C ends it.")
                _keep(demo, signals)
        except _Stopped:
            code = ExitCode.INTERRUPTED
        finally:
            demo.stop()
    return code


def _send(demo: DemoRun, path: Path, text: str | None, arguments: argparse.Namespace, signals: StopSignals) -> ExitCode:
    producer = Producer(demo.settings)
    began = time.monotonic()
    with open_messages(path, text=text) as file:
        receipt = producer.enqueue(file, sender=SENDER, text=text, name="demo")
    status = _await_end(demo, producer, receipt.campaign_id, began, signals)
    seconds = time.monotonic() - began
    try:
        arrived = Control(demo.sandbox_url).summary()
    except ControlFailed as error:
        raise CommandError(f"The sandbox did not report what arrived: {error}. See {demo.log}") from None
    summary = summarise(producer, status, arrived, seconds)
    summary.show(json=arguments.json)
    return ExitCode.FAILED if summary.faults else ExitCode.OK


def _await_end(
    demo: DemoRun, producer: Producer, campaign_id: str, began: float, signals: StopSignals
) -> CampaignStatus:
    progress = Progress()
    try:
        while True:
            status = producer.status(campaign_id)
            elapsed = time.monotonic() - began
            progress.show(_progress_line(status.counts, elapsed))
            if status.state.final or elapsed > MAX_SECONDS:
                return status
            if signals.wait(SECONDS_BETWEEN_LOOKS):
                raise _Stopped
            demo.look_after()
    finally:
        progress.clear()


def _progress_line(counts: Mapping[str, int], elapsed: float) -> str:
    finished = counts.get("finished", 0)
    submitted = counts.get("submitted", 0) + finished
    return (
        f"accepted {number(counts['accepted'])}  rejected {number(counts.get('rejected', 0))}  "
        f"submitted {number(submitted)}  finished {number(finished)}  "
        f"{number(int(submitted / max(elapsed, 0.001)))} messages/s"
    )


def _text_for(file: MessageFile, text: str | None) -> str | None:
    if text is not None or "text" in file.columns:
        return text
    missing = [name for name in FIELDS if name not in file.columns]
    if missing:
        raise BadInput(f"{file.shown}: has no column {', '.join(missing)}, which the demo's text uses. Give --text.")
    return TEXT


def _keep(demo: DemoRun, signals: StopSignals) -> None:
    while not signals.wait(SECONDS_BETWEEN_LOOKS):
        demo.look_after()


def _example_contacts() -> Path:
    # The working directory, or the source tree of this file.
    for root in (Path(), Path(__file__).resolve().parents[3]):
        if (root / CONTACTS).is_file():
            return root / CONTACTS
    raise BadInput(f"{CONTACTS}: not found here. Name a CSV file with --file.")
