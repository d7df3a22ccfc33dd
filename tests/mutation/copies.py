"""Copies of the project, in which a guard can be undone while the project stays as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.mutation.guard import ROOT
from tests.mutation.inside import FLOORS

COPIED = (*FLOORS, "tests", "pyproject.toml")


class Copy:
    """A copy of all that runs."""

    def __init__(self, directory: Path, original: Path = ROOT) -> None:
        self.directory = directory
        directory.mkdir(parents=True)
        for name in COPIED:
            if (original / name).is_dir():
                shutil.copytree(original / name, directory / name)
            else:
                shutil.copy2(original / name, directory / name)

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
