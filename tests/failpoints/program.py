"""A program of Python with failpoints: `python -m tests.failpoints.program MODULE ARGUMENTS…`."""

from __future__ import annotations

import runpy
import sys

from tests.failpoints.arming import install

if __name__ == "__main__":
    install()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
