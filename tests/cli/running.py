"""Running the command line as a process of its own, and looking for what it left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bsg_config.settings_table import SETTINGS


def environment(**settings: str) -> dict[str, str]:
    """This environment without any setting of the project's, and with the given ones."""
    ours = {setting.name for setting in SETTINGS}
    return {name: value for name, value in os.environ.items() if name.partition("__")[0] not in ours} | settings


def start(words: Sequence[str], directory: Path, settings: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """`bsg-campaigns WORDS…` in that directory, its output in `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "bsg_cli", *words],
            cwd=directory,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def run(
    words: Sequence[str], directory: Path, settings: Mapping[str, str], seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """`bsg-campaigns WORDS…` in that directory, awaited."""
    return subprocess.run(
        [sys.executable, "-m", "bsg_cli", *words],
        cwd=directory,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def processes_in(directory: Path) -> list[str]:
    """Return the command lines of the processes that work in or below that directory (Linux: from /proc)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = Path(os.readlink(process / "cwd"))
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if command and where.is_relative_to(directory.resolve()):
            found.append(command)
    return found
