"""`python -m benchmarks.limits.necessary_work SECONDS`: what one core can do of the work that nobody can leave out.

Ready JSON in a loop, 10 000 messages at a time: `loads`, validate with the project's own fast check, `dumps`, compress.
Nothing is stored, queued or sent. Once over rows, as a caller has messages; and once over columns, which is how the
project keeps them between `enqueue` and the preparation. Prints the messages a second of both as one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import zstandard

from benchmarks.messages import MESSAGES_A_BATCH, SENDER, messages, rows
from bsg_config.settings import Settings
from bsg_messages.campaign_ids import new_campaign_id
from bsg_messages.columns import Chunk, pack, unpack
from bsg_messages.fast_path import check_columns
from bsg_messages.preparation import prepare
from bsg_producer.campaign_arguments import check_options

ROWS, COLUMNS = "rows", "columns"


def measured(seconds: float) -> dict[str, float]:
    """Return the messages a second of one core, of a process of its own, by rows and by columns."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.limits.necessary_work", f"{seconds:g}"], stdout=subprocess.PIPE, check=True
    )
    found: dict[str, float] = json.loads(run.stdout)
    return found


def _by_rows() -> Callable[[], None]:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    ready = encode(rows(MESSAGES_A_BATCH)).encode()

    def once() -> None:
        found = json.loads(ready)
        chunk = Chunk(
            size=len(found),
            phones=[row["phone"] for row in found],
            senders=None,  # as here one stands for the campaign, and ids are of the project's own making
            reference_ids=None,
            tariff_codes=None,
            transliterate=None,
            texts=[row["text"] for row in found],
            fields={},
            violations={},
        )
        ids = [row["reference_id"] for row in found]
        if check_columns(chunk, sender=SENDER, texts=chunk.texts, generated_ids=ids).exact_rows:
            raise RuntimeError("the messages of the benchmark are not all good")
        zstandard.ZstdCompressor(level=1).compress(encode(found).encode())

    return once


def _by_columns() -> Callable[[], None]:
    packed = pack(list(messages(MESSAGES_A_BATCH)), None).content
    options = check_options({"sender": SENDER}, Settings.build(), datetime.now(UTC))
    campaign_id = new_campaign_id()

    def once() -> None:
        prepare(unpack(packed), options, campaign_id=campaign_id, first_index=0, batch_size=MESSAGES_A_BATCH)

    return once


def _rate(once: Callable[[], None], seconds: float) -> float:
    once()
    times, began = 0, time.monotonic()
    while time.monotonic() < began + seconds:
        once()
        times += 1
    return times * MESSAGES_A_BATCH / (time.monotonic() - began)


_LOOPS = {ROWS: _by_rows, COLUMNS: _by_columns}

if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: _rate(made(), float(sys.argv[1])) for name, made in _LOOPS.items()}))
