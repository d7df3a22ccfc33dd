"""Start commands that cannot outlive this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_PARENT_GUARD = Path(__file__).with_name("parent_guard.py")


class GuardedCommand:
    """A running command. The command and its children end when this process ends, even by SIGKILL.

    The command has its own session: Ctrl-C in the terminal reaches only this process, which then ends the commands in
    order. `held` descriptors stay open as long as the guard lives. `passed` descriptors reach the command.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        grace_seconds: float,
        environment: Mapping[str, str] | None = None,
        output: int | IO[bytes] | None = None,
        errors: int | IO[bytes] | None = subprocess.STDOUT,
        held: Sequence[int] = (),
        passed: Sequence[int] = (),
        lifeline: int | None = None,
    ) -> None:
        """`lifeline`: the reading end of a pipe. The command ends when no process holds its writing end any more.

        Without `lifeline`, this object holds the writing end.
        """
        options = [word for number in passed for word in ("--pass-descriptor", str(number))]
        self._writing: int | None = None
        if lifeline is None:
            reading, self._writing = os.pipe()
        else:
            reading = lifeline
        try:
            self._guard = subprocess.Popen(  # noqa: S603 - our own launcher, no shell
                [sys.executable, "-I", "-S", str(_PARENT_GUARD), str(grace_seconds), *options, "--", *argv],
                stdin=reading,
                stdout=output,
                stderr=errors,
                env=None if environment is None else dict(environment),
                start_new_session=True,
                pass_fds=(*held, *passed),
            )
        except BaseException:  # Ctrl-C too: nobody else knows this end of the pipe
            self._close_writing_end()
            raise
        finally:
            if lifeline is None:
                os.close(reading)

    @property
    def output(self) -> IO[bytes]:
        """Return the command's output, if `output` was PIPE."""
        if self._guard.stdout is None:
            raise ValueError("the output goes elsewhere")
        return self._guard.stdout

    @property
    def pid(self) -> int:
        """Return the process id of the guard."""
        return self._guard.pid

    @property
    def exit_code(self) -> int | None:
        """Return the command's exit code, 128 + N if signal N ended it; None while it runs."""
        code = self._guard.poll()
        return None if code is None else _as_a_shell_tells(code)

    def ask_to_stop(self) -> None:
        """Send SIGTERM now, and SIGKILL after the grace. Do not wait."""
        self._guard.terminate()

    def kill(self) -> None:
        """Send SIGKILL to the command and its children. Do not wait."""
        self._guard.send_signal(signal.SIGQUIT)

    def wait(self, seconds: float | None = None) -> int:
        """Wait for the end and return the exit code. Raise subprocess.TimeoutExpired."""
        code = self._guard.wait(seconds)
        self._close_writing_end()
        return _as_a_shell_tells(code)

    def stop(self) -> int:
        """Ask the command to stop, and wait. The grace bounds the time. Return the exit code."""
        self.ask_to_stop()
        return self.wait()

    def _close_writing_end(self) -> None:
        if self._writing is not None:
            os.close(self._writing)
            self._writing = None


def _as_a_shell_tells(code: int) -> int:
    # A signal ended the guard before it set its handlers, so it has not started its command either.
    return code if code >= 0 else 128 - code
