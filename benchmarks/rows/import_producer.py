from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side

IMPORTS, IMPORTS_IN_SHORT = 15, 5

PROJECT, BARE = "import bsg_producer", "import celery, redis, marshmallow"
# redis-py imports OpenTelemetry's SDK where it is installed, as it is here for the tests.
_WITHOUT_SDK = "import sys, time\nsys.modules['opentelemetry.sdk'] = None\n"
_TIMED = _WITHOUT_SDK + "began = time.perf_counter()\n{}\nprint((time.perf_counter() - began) * 1000)"


def _side(statement: str) -> Side:
    def measure(measurement: Measurement) -> Figures:
        times = [_milliseconds(statement) for _ in range(measurement.size(IMPORTS, IMPORTS_IN_SHORT))]
        return {statement: median(times)}

    return Side(statement, measure)


def _milliseconds(statement: str) -> float:
    # What is installed is compiled already; this project's modules shall be so too after the first import.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(
        [sys.executable, "-c", _TIMED.format(statement)], env=environment, stdout=subprocess.PIPE, check=True
    )
    return float(run.stdout)


ROW = Row(
    what="`import bsg_producer`",
    against="importing celery, redis and marshmallow",
    unit="ms",
    sides=[_side(PROJECT), _side(BARE)],
    goals=[Goal("import", PROJECT, over=(BARE,), at_most=1.3, gross=5)],
    drawn=(PROJECT, BARE),
    if_not_met=(
        "both sides import redis-py and marshmallow, which is most of either; what is left is this project's own "
        "modules. A machine that does anything else meanwhile moves the ratio."
    ),
    note=(
        f"In a process of its own, {IMPORTS} times, the interpreter's own start left out. `import celery` alone is "
        "next to nothing, as Celery imports itself when it is used; `Producer` never uses it."
    ),
)
