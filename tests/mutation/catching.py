"""Runs what must miss a guard, tests or explorations, in a copy of the project."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.copies import Copy
from tests.mutation.inside import NOT_THE_COPY, run_inside

MAX_A_TEST = 60.0
MAX_STATES = 120_000  # an undone guard may let the states grow without end

_FAILED = re.compile(r"^FAILED (\S+(?:\[.*?\])?)(?: - (.*))?$", re.M)
_ERROR = re.compile(r"^ERROR tests/", re.M)  # before the test itself, or as it was collected
_BROKEN = re.compile(r"^BROKEN (.*)$", re.M)
_TIMED_OUT = "Timeout (>"
_NO_SCRIPT = re.compile(r"Error compiling script|nonexistent global variable")


@dataclass(frozen=True)
class Catch:
    """What failed, and how. `timed_out`: it did not end in time. `sound` is False if what was changed cannot run."""

    by: str
    how: str
    timed_out: bool = False
    sound: bool = True


def is_test(catcher: str) -> bool:
    return catcher.startswith("tests/")


def caught(copy: Copy, catchers: Sequence[str], seconds: float) -> Catch | None:
    """Return the first catcher that fails in the copy; None if all of them pass."""
    for catcher in catchers:
        catch = (
            tests_fail(copy, [catcher], seconds) if is_test(catcher) else exploration_fails(copy, [catcher], seconds)
        )
        if catch is not None:
            return catch
    return None


def tests_fail(copy: Copy, tests: Sequence[str], seconds: float) -> Catch | None:
    words = ["pytest", "-x", "-q", "-rfE", "--tb=short", "-p", "no:cacheprovider", f"--timeout={MAX_A_TEST:.0f}"]
    code, output = _run(copy, [*words, *tests], seconds)
    if code == 0:
        return None
    if code is None:
        return Catch(tests[0], "did not end", timed_out=True)
    failed = _FAILED.search(output)
    if failed is None or _ERROR.search(output):
        return Catch(tests[0], _last_lines(output), sound=False)
    how = failed[2] or "failed"
    return Catch(failed[1], how, timed_out=_TIMED_OUT in how, sound=not _NO_SCRIPT.search(output))


def exploration_fails(copy: Copy, sizes: Sequence[str], seconds: float) -> Catch | None:
    words = ["tests.exhaustive", "--stop-at-first", f"--at-most={MAX_STATES}"]
    code, output = _run(copy, [*words, *(f"--size={size}" for size in sizes)], seconds)
    if code == 0:
        return None
    if code is None:
        return Catch(sizes[0], "did not end", timed_out=True)
    broken = _BROKEN.search(output)
    if broken is None:
        return Catch(sizes[0], _last_lines(output), sound=False)
    return Catch(sizes[0], broken[1])


def _run(copy: Copy, words: Sequence[str], seconds: float) -> tuple[int | None, str]:
    """Return the exit code, None if it had to be ended, and what was printed. Raise RuntimeError if not the copy was
    run."""
    log = Path(f"{copy.directory}.log")
    code = run_inside(copy.directory, words, log, seconds)
    printed = log.read_text("utf-8", "replace")
    log.unlink()
    if code == NOT_THE_COPY:
        raise RuntimeError(_last_lines(printed))
    return code, printed


def _last_lines(output: str) -> str:
    return " / ".join(output.strip().splitlines()[-3:])[-300:]
