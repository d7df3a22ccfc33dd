from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from tests.worker.harness import WorkerHarness

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "order-confirmations.md"


def test_the_page_on_order_confirmations_works_block_by_block(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    code = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    *blocks, look, find, follow, cap, control = code
    names: dict[str, Any] = {}
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        for block in blocks:
            exec(block, names)  # noqa: S102
        harness.dispatch()
        exec(look, names)  # noqa: S102
        exec(find, names)  # noqa: S102
        exec(follow, names)  # noqa: S102
        exec(cap, names)  # noqa: S102
        exec(control, names)  # noqa: S102
        record = sandbox.record()
    assert isinstance(names["producer"], Producer)
    assert list(record.by_reference) == [names["receipt"].message_id, *(one.message_id for one in names["receipts"])]
    assert names["status"].state == "submitted"
    assert "\npending posting\nposting submitted\n" in capsys.readouterr().out
