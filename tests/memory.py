"""Where the suite's files are: in memory, if it is large enough.

Redis waits for its disk at every write, which no test needs: a killed server finds its data in memory too, and no test
cuts the power. On a disk the suite waits for minutes.
"""

from __future__ import annotations

import os
import shutil

_IN_MEMORY = "/dev/shm"  # noqa: S108 - Linux mounts it in memory
_ENOUGH_BYTES = 2 * 1024**3


def keep_files_in_memory() -> None:
    """Put pytest's directories in memory, unless memory is short or the environment names another directory."""
    if os.path.isdir(_IN_MEMORY) and _is_usable(_IN_MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", _IN_MEMORY)


def _is_usable(directory: str) -> bool:
    runs_programs = not os.statvfs(directory).f_flag & os.ST_NOEXEC
    return runs_programs and os.access(directory, os.W_OK) and shutil.disk_usage(directory).free >= _ENOUGH_BYTES
