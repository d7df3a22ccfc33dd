from __future__ import annotations

import os
import subprocess
import sys


def test_another_apps_celery_variables_do_not_lead_the_workers_to_its_broker(redis_url: str) -> None:
    environment = {**os.environ, "REDIS_URL": redis_url, "CELERY_BROKER_URL": "redis://other.example:1/0"}
    program = "from bsg_worker.application import app; print(app.connection_for_read().as_uri())"

    shown = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout

    assert redis_url.removeprefix("redis://") in shown
    assert "other.example" not in shown


def test_only_json_is_accepted_and_no_result_is_kept(redis_url: str) -> None:
    program = "from bsg_worker.application import app; c = app.conf; print(c.accept_content, c.result_backend)"

    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert shown.strip() == "['json'] None"


def test_every_worker_process_watches_the_ledger_whether_or_not_it_has_anything_to_do(redis_url: str) -> None:
    program = (
        "import threading, sys; from celery import signals; import bsg_worker.application;"
        "getattr(signals, sys.argv[1]).send(None); print([thread.name for thread in threading.enumerate()])"
    )

    for signal in ("worker_ready", "worker_process_init"):
        shown = subprocess.run(
            [sys.executable, "-c", program, signal],
            env={**os.environ, "REDIS_URL": redis_url, "BSG_API_KEY": "live_sandbox"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "ledger watch" in shown
