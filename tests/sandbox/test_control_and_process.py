from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest

from bsg_sandbox.__main__ import main
from bsg_sandbox.control import Control, ControlFailed
from bsg_sandbox.faults import KINDS
from bsg_sandbox.server import Sandbox
from bsg_sandbox.settings import SandboxSettings, SandboxSettingsInvalid
from tests.sandbox.sandbox_calls import message, messages, post, taken


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "bsg_sandbox", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


def test_the_control_address_does_what_the_sandbox_itself_does(sandbox: Sandbox) -> None:
    control = Control(sandbox.url)
    control.fault("server_error_before", requests=[1])
    control.configure(reference_memory=5)
    control.put_account("live_other", balance=5.0)

    assert post(sandbox, messages(2)).status_code == 500
    campaign = taken(sandbox, messages(2), key="live_other")
    control.force_status(campaign["id"], "paused")

    assert control.faults() == sandbox.faults()
    assert control.summary() == sandbox.summary()
    assert control.requests() == sandbox.requests()
    assert control.record() == sandbox.record()
    assert control.record().recipients[message(1)["phone"]] == [campaign["id"]]
    assert control.record().campaigns[0]["status"] == "paused"
    assert control.advance(50) - time.time() == pytest.approx(50, abs=5)
    control.clear_faults()
    assert control.faults() == []
    control.reset()
    assert sandbox.summary().requests == 0


def test_what_arrived_is_read_page_by_page_with_every_message_once(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsg_sandbox.store.ARRIVED_MESSAGES_AT_ONCE", 5)
    ids = [taken(sandbox, messages(size, start=10 * size))["id"] for size in (2, 7, 3, 1)]

    arrivals = list(Control(sandbox.url).arrivals())

    assert arrivals == list(sandbox.arrivals())
    assert [arrival.id for arrival in arrivals] == ids
    assert arrivals[2].phones == [message(number)["phone"] for number in (30, 31, 32)]
    assert arrivals[2].references == ["ref30", "ref31", "ref32"]
    assert arrivals[0].created_at == sandbox.record().campaigns[0]["created_at"]


def test_a_wrong_order_over_the_control_address_says_what_is_wrong(sandbox: Sandbox) -> None:
    control = Control(sandbox.url)

    with pytest.raises(ControlFailed, match="no such fault"):
        control.fault("earthquake")
    with pytest.raises(ControlFailed, match="latency"):
        control.configure(latency=-1)
    with pytest.raises(ControlFailed, match="only goes forward"):
        control.advance(-1)


def test_wrong_settings_are_reported_all_at_once() -> None:
    with pytest.raises(SandboxSettingsInvalid) as caught:
        Sandbox(latency="slow", colour="red", duplicates="perhaps")

    assert set(caught.value.errors) == {"latency", "colour", "duplicates"}


def test_requests_are_logged_with_their_moment_and_status(sandbox: Sandbox) -> None:
    began = time.monotonic()
    taken(sandbox, messages(1))

    (seen,) = sandbox.requests()

    assert (seen.method, seen.path, seen.status) == ("POST", "/api/campaigns/sms/send-individual", 200)
    assert began <= seen.time <= time.monotonic()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_process_prints_its_address_and_stops_on_a_signal(stop: signal.Signals) -> None:
    with running() as (process, url):
        assert Control(url).summary().requests == 0
        process.send_signal(stop)

        assert process.wait(5) == 0


def test_a_process_ends_with_the_process_that_it_serves() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent,
        running("--parent", str(parent.pid)) as (process, _),
    ):
        assert process.poll() is None
        parent.communicate(b"\n")

        assert process.wait(5) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "x"],
        ["--port", "70000"],
        ["--latency", "-1"],
        ["--colour", "red"],
        ["--host", "no.invalid"],
    ],
)
def test_wrong_arguments_are_misuse(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "bsg_sandbox:" in printed.err


def test_a_port_that_is_taken_is_misuse(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", sandbox.url.rpartition(":")[2]]) == 2

    assert "--port 0" in capsys.readouterr().err


def documented(heading: str) -> dict[str, str]:
    document = Path(__file__).parents[2].joinpath("docs", "sandbox.md").read_text(encoding="utf-8")
    section = document.partition(f"# {heading}\n")[2].partition("\n#")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return {row.split("`")[1]: row for row in rows}


def test_every_fault_is_in_the_document_and_no_other() -> None:
    rows = documented("Faults")

    assert set(rows) == set(KINDS)
    for kind, known in KINDS.items():
        assert all(f"`{option}`" in rows[kind] for option in known.options), kind


def test_every_setting_is_in_the_document_and_no_other() -> None:
    assert set(documented("Settings")) == {field.name for field in fields(SandboxSettings)}


def test_a_sandbox_as_a_child_has_no_orphans() -> None:
    script = (
        "import os, subprocess, sys\n"
        "process = subprocess.Popen([sys.executable, '-m', 'bsg_sandbox', '--parent', str(os.getpid())],"
        " stdout=subprocess.PIPE)\n"
        "process.stdout.readline()\n"
        "print(process.pid, flush=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=90)
    orphan = int(ended.stdout)

    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and is_running(orphan):
        time.sleep(0.05)

    assert not is_running(orphan)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
