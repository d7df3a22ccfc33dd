"""Examples of each command, for its help. A test parses each of them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

EXAMPLES = {
    "send": (
        "bsg-campaigns send contacts.csv --sender MyShop --text 'Hi {{ name }}' --watch",
        "bsg-campaigns send contacts.xlsx --sender MyShop --map phone=Mobile --region UA --dry-run",
        "bsg-campaigns send contacts.csv --sender MyShop --text 'Hi {{ name }}' --test-to +380661231231",
    ),
    "stream": ("bsg-campaigns stream list", "bsg-campaigns stream status order-updates"),
    "stream send": (
        "bsg-campaigns stream send order-updates +380661231231 --sender MyShop --text 'Your order is on its way'",
        "bsg-campaigns stream send codes +380661231231 --sender MyShop --text 'Your code is 1234' --deadline 600 "
        "--idempotency-key code-1742",
    ),
    "stream list": ("bsg-campaigns stream list --json",),
    "stream status": ("bsg-campaigns stream status order-updates",),
    "stream pause": ("bsg-campaigns stream pause order-updates",),
    "stream resume": ("bsg-campaigns stream resume order-updates",),
    "stream cancel": ("bsg-campaigns stream cancel order-updates",),
    "message": ("bsg-campaigns message ID", "bsg-campaigns message ID --report --json"),
    "status": ("bsg-campaigns status ID",),
    "list": ("bsg-campaigns list --limit 10 --json",),
    "watch": ("bsg-campaigns watch ID",),
    "events": ("bsg-campaigns events --follow --json", "bsg-campaigns events --reports --since POSITION"),
    "rejects": ("bsg-campaigns rejects ID --csv --file contacts.csv > corrected.csv",),
    "report": ("bsg-campaigns report ID --csv > report.csv",),
    "explain": ("bsg-campaigns explain ID",),
    "pause": ("bsg-campaigns pause ID",),
    "resume": ("bsg-campaigns resume ID",),
    "cancel": ("bsg-campaigns cancel ID",),
    "retry": ("bsg-campaigns retry ID --deadline 2030-12-01T18:00+02:00",),
    "resolve": (
        "bsg-campaigns resolve ID-0 --sent 1000042",
        "bsg-campaigns resolve ID-0 --not-sent",
        "bsg-campaigns resolve --all-not-sent --since 2026-11-25T09:00+01:00 --until 2026-11-25T09:05+01:00 --dry-run",
        "bsg-campaigns resolve --all-found --yes",
    ),
    "suppress": ("bsg-campaigns suppress +380661231231", "bsg-campaigns suppress --file opted-out.csv --region UA"),
    "unsuppress": ("bsg-campaigns unsuppress +380661231231",),
    "suppressed": ("bsg-campaigns suppressed",),
    "gate": ("bsg-campaigns gate", "bsg-campaigns gate shut", "bsg-campaigns gate --account marketing"),
    "account": ("bsg-campaigns account rekey", "bsg-campaigns account rekey --account marketing"),
    "audit": ("bsg-campaigns audit --since 2030-12-01T00:00+02:00", "bsg-campaigns audit --recover"),
    "doctor": ("bsg-campaigns doctor", "bsg-campaigns doctor --within 60 --json"),
    "calibrate": ("bsg-campaigns calibrate --phone +380661231231 --sender MyShop --yes",),
    "healthcheck": ("bsg-campaigns healthcheck worker", "bsg-campaigns healthcheck worker@host --within 120"),
    "up": ("bsg-campaigns up", "bsg-campaigns up --flower-port 0"),
    "demo": ("bsg-campaigns demo --keep",),
}


def add_examples(commands: Mapping[str, argparse.ArgumentParser]) -> None:
    """Add the examples to each command's help."""
    for name, examples in EXAMPLES.items():
        parser = commands[name]
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "\n".join(("examples:", *(f"  {example}" for example in examples)))
