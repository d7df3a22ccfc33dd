"""The wheel, installed with chosen extras into an environment of its own: only what the wheel asks for is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PIN = re.compile(r"^(\S+==[^\\\n]+?) \\$", re.MULTILINE)
_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


class CheckFailed(Exception):
    """What the wheel promises does not hold; the message says what was seen."""


class Wheelhouse:
    """The project's wheel, and those of all that its extras need, in the versions of requirements-dev.lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "wheels"
        # As README says: with no tool for developers but what pyproject.toml asks for.
        _call(*_PIP, "wheel", "--no-deps", "--wheel-dir", str(self._directory), str(ROOT))
        constraints = directory / "constraints.txt"
        # Not the lock itself: its hashes would be asked of the project's own wheel too.
        constraints.write_text("\n".join(_PIN.findall((ROOT / "requirements-dev.lock").read_text())) + "\n")
        (self._wheel,) = self._directory.glob("bsg_campaigns-*.whl")
        _call(
            *_PIP, "wheel", "--wheel-dir", str(self._directory), "-c", str(constraints), f"{self._wheel}[all,testing]"
        )

    def install(self, directory: Path, extras: Sequence[str] = ()) -> Environment:
        """Install the wheel with these extras into a new environment in that directory."""
        _call(sys.executable, "-m", "venv", "--without-pip", str(directory / "venv"))
        environment = Environment(directory)
        wanted = f"{self._wheel}[{','.join(extras)}]" if extras else str(self._wheel)
        into = (*_PIP, "--python", str(environment.program("python")))
        # What is imported is compiled then; most of what is installed never is.
        _call(*into, "install", "--no-compile", "--no-index", "--find-links", str(self._directory), wanted)
        return environment


class Environment:
    """A virtual environment; its programs see no setting, path or module of the one that checks."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def program(self, name: str) -> Path:
        return self.directory / "venv" / "bin" / name

    def run(self, program: str, *words: str, **settings: str) -> str:
        """Run one of its programs to its end; return what it prints. Raise CheckFailed when it fails."""
        return _call(str(self.program(program)), *words, at=self.directory, environment=self._environment(settings))

    def start(self, program: str, *words: str, log: Path, **settings: str) -> subprocess.Popen[bytes]:
        """Start one of its programs, with its output in `log`."""
        with log.open("ab") as output:
            return subprocess.Popen(
                [str(self.program(program)), *words],
                cwd=self.directory,
                env=self._environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        path = os.pathsep.join((str(self.program("")), "/usr/local/bin", "/usr/bin", "/bin"))
        return {"PATH": path, "HOME": str(self.directory), "LANG": "C.UTF-8", **settings}


def _call(*words: str, at: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        words, cwd=at, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CheckFailed(f"{' '.join(words)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
