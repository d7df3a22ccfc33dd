from __future__ import annotations

import pkgutil
import subprocess
import sys

import bsg_messages

MODULES = [f"bsg_messages.{module.name}" for module in pkgutil.iter_modules(bsg_messages.__path__)]
FOREIGN = {"celery", "kombu", "redis", "requests", "flower"}


def test_what_a_message_is_needs_no_other_package_of_ours_and_no_server() -> None:
    code = f"import sys, {', '.join(MODULES)}; print(*{{name.partition('.')[0] for name in sys.modules}})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    imported = set(done.stdout.split())

    assert "bsg_messages.rules" in MODULES
    assert {name for name in imported if name.startswith("bsg_")} == {"bsg_messages"}
    assert imported & FOREIGN == set()
