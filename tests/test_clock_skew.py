"""A skewed clock skews a whole process, but not its monotonic clock."""

from __future__ import annotations

import subprocess
import sys
import time

SEEN_BY_A_PROCESS = """
import sys, time
before = time.monotonic()
from tests.clock_skew import move_clock
move_clock(600)
import datetime, pickle
from bsg_config import clock
assert abs(time.monotonic() - before) < 60
assert isinstance(datetime.datetime.now(), datetime.datetime)
assert pickle.loads(pickle.dumps(clock.now())) <= clock.now()
print(time.time(), clock.now().timestamp(), datetime.datetime.now().timestamp())
"""


def test_a_skewed_process_sees_another_time_everywhere_and_the_same_monotonic_one() -> None:
    printed = subprocess.run([sys.executable, "-c", SEEN_BY_A_PROCESS], capture_output=True, text=True, check=True)

    for seen in map(float, printed.stdout.split()):
        assert 540 < seen - time.time() < 660
