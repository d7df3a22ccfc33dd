"""Keep the processes running, and stop them in order."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bsg_cli.embedded_server import EmbeddedServer, ServerDidNotStart
from bsg_cli.errors import CommandError
from bsg_cli.guarded_command import GuardedCommand
from bsg_cli.process_output import ProcessOutput
from bsg_cli.processes import Process

FIRST_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 30.0
STEADY_SECONDS = 60.0  # after such a run, the backoff begins at the first step again
QUICK_END_SECONDS = 30.0  # on a busy machine, the imports alone take several seconds
QUICK_ENDS_MAX = 3
SECONDS_FOR_LAST_LINES = 5.0

Report = Callable[[str, str], None]


class ProcessFails(CommandError):
    """A process repeatedly ends within seconds of its start, and never ran for longer."""


@dataclass(slots=True)
class _Supervised:
    process: Process
    output: ProcessOutput = field(default_factory=ProcessOutput)
    quick_ends: int = 0
    has_run: bool = False  # for longer than QUICK_END_SECONDS
    command: GuardedCommand | None = None
    started_at: float = 0.0
    backoff: float = FIRST_BACKOFF_SECONDS
    start_at: float = 0.0
    reader: threading.Thread | None = field(default=None, repr=False)


class Supervisor:
    """Run processes, and optionally an embedded server. Restart a process that exits, with backoff.

    `report(name, line)` gets every line that they print, and the supervisor's own messages under the name "up". It is
    called from several threads. `environment` is the processes' whole environment.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        environment: Mapping[str, str],
        report: Report,
        server: EmbeddedServer | None = None,
    ) -> None:
        self._supervised = [_Supervised(process) for process in processes]
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._report = report
        self._server = server
        self._server_backoff = FIRST_BACKOFF_SECONDS
        self._server_start_at = 0.0

    def start(self) -> None:
        """Start all processes. They need not be ready when this returns."""
        for supervised in self._supervised:
            self._launch(supervised)

    def look_after(self) -> None:
        """Restart processes that have ended and whose backoff is over. Call this regularly.

        Raise ProcessFails.
        """
        now = time.monotonic()
        self._look_after_server(now)
        for supervised in self._supervised:
            command = supervised.command
            if command is not None and command.exit_code is not None:
                self._ended(supervised, command, now)
            if supervised.command is None and now >= supervised.start_at:
                self._launch(supervised)

    def stop(self) -> None:
        """Stop the processes in order, each with its grace. The caller stops the server."""
        for order in sorted({supervised.process.stop_order for supervised in self._supervised}):
            commands = [
                supervised.command
                for supervised in self._supervised
                if supervised.process.stop_order == order and supervised.command is not None
            ]
            for command in commands:
                command.ask_to_stop()
            for command in commands:
                command.wait()
        for supervised in self._supervised:
            supervised.command = None
            if supervised.reader is not None:
                supervised.reader.join()

    def stop_at_once(self) -> None:
        """Kill the processes without grace. Requests on the wire are in doubt then; the next start looks them up."""
        for supervised in self._supervised:
            if supervised.command is not None:
                supervised.command.kill()

    def _launch(self, supervised: _Supervised) -> None:
        process = supervised.process
        command = GuardedCommand(
            process.argv(),
            grace_seconds=process.grace_seconds,
            environment=self._environment,
            output=subprocess.PIPE,
            held=() if self._server is None else (self._server.lifeline,),
        )
        supervised.output.begin_run(after_failure=supervised.quick_ends > 0)
        supervised.command = command
        supervised.started_at = time.monotonic()
        supervised.reader = threading.Thread(
            target=self._forward, args=(supervised, command), name=f"{process.name} output", daemon=True
        )
        supervised.reader.start()

    def _ended(self, supervised: _Supervised, command: GuardedCommand, now: float) -> None:
        code = command.wait()
        ran = now - supervised.started_at
        if ran >= STEADY_SECONDS:
            supervised.backoff = FIRST_BACKOFF_SECONDS
        supervised.command = None
        quick = ran < QUICK_END_SECONDS
        supervised.has_run = supervised.has_run or not quick
        supervised.quick_ends = supervised.quick_ends + 1 if quick else 0
        # A process that ran before may end because Redis is full, and recovers with it.
        if supervised.quick_ends >= QUICK_ENDS_MAX and not supervised.has_run:
            raise ProcessFails(_why(supervised, code))
        supervised.start_at = now + supervised.backoff
        self._report(
            "up",
            f"{supervised.process.name} exited with {code}; starting again in {supervised.backoff:.0f} s",
        )
        supervised.backoff = min(supervised.backoff * 2, MAX_BACKOFF_SECONDS)

    def _look_after_server(self, now: float) -> None:
        if self._server is None or self._server.exit_code is None or now < self._server_start_at:
            return
        self._report("up", f"the server exited with {self._server.exit_code}; starting again")
        try:
            self._server.restart()
        except ServerDidNotStart as error:
            self._report("up", f"{error}; trying again in {self._server_backoff:.0f} s")
            self._server_start_at = time.monotonic() + self._server_backoff
            self._server_backoff = min(self._server_backoff * 2, MAX_BACKOFF_SECONDS)
        else:
            self._server_backoff = FIRST_BACKOFF_SECONDS

    def _forward(self, supervised: _Supervised, command: GuardedCommand) -> None:
        with command.output as output:
            for raw in output:
                line = raw.decode(errors="replace").rstrip()
                if supervised.output.is_new(line):
                    self._report(supervised.process.name, line)


def _why(supervised: _Supervised, code: int) -> str:
    if supervised.reader is not None:
        supervised.reader.join(SECONDS_FOR_LAST_LINES)
    return (
        f"{supervised.process.name} ended {supervised.quick_ends} times in a row within {QUICK_END_SECONDS:.0f} s of "
        f"its start, the last time with {code}: {supervised.output.last_message or 'it printed nothing'}\n"
        "Correct that, then start again. What was accepted is kept."
    )
