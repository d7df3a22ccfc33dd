"""`make reference`: write docs/reference and .env.example from the code.

With --check, write nothing, and exit with 1 if a file is out of date.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from api_page import api_page
from markdown_texts import documentation, fields_of, table
from settings_pages import env_example, settings_page

from bsg_broker.queues import STATUS_QUEUE, dispatch_queue
from bsg_cli.command_line import parser
from bsg_cli.errors import ExitCode
from bsg_cli.parsing import commands_of
from bsg_client.outcomes import OutcomeKind
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger import schema
from bsg_ledger.delivery_reports import DeliveryReport
from bsg_ledger.failures import FailureKind
from bsg_ledger.gate import GateReason, GateState
from bsg_ledger.measurements import SECONDS, Histogram, Measured
from bsg_ledger.records import Transition
from bsg_ledger.states import FINAL_CAMPAIGN_STATES, MESSAGE_STATES, BatchState, CampaignState, ChunkState
from bsg_ledger.waiting import WaitReason
from bsg_ledger.waiting_texts import TEXTS
from bsg_messages.rejects import MEANINGS, RejectCode
from bsg_monitor.account_states import COUNTED, AccountFigures, AccountState
from bsg_monitor.metrics import CampaignMetrics
from bsg_monitor.observer import Figures, Overview
from bsg_monitor.stream_figures import STREAMS_MEASURED, MeasuredStream, StreamFigures

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true")
    check = arguments.parse_args().check
    stale = []
    texts = {REFERENCE / f"{name}.md": page for name, page in pages().items()} | {ROOT / ".env.example": env_example()}
    for target, text in texts.items():
        if check and (not target.exists() or target.read_text("utf-8") != text):
            stale.append(target.relative_to(ROOT))
        elif not check:
            target.write_text(text, "utf-8")
    for target in stale:
        print(f"{target}: not what the code says. Run `make reference`.", file=sys.stderr)
    return 1 if stale else 0


def pages() -> dict[str, str]:
    """Return each page's text by its name."""
    return {
        "settings": _page("Settings", settings_page()),
        "api": _page("Python", api_page()),
        "commands": _page("Commands", _commands()),
        "states": _page("States", _states()),
        "events": _page("Events", _events()),
        "metrics": _page("Metrics", _metrics()),
        "codes": _page("Codes", _codes()),
        "keys": _page("Keys in Redis", _keys()),
    }


def _page(title: str, lines: Iterable[str]) -> str:
    return "\n".join(("<!-- Written by `make reference`. -->", "", f"# {title}", "", *lines)).rstrip() + "\n"


def _commands() -> Iterator[str]:
    for name, command in commands_of(parser()).items():
        yield f"## `bsg-campaigns {name}`"
        yield ""
        yield "```text"
        yield command.format_help().rstrip()
        yield "```"
        yield ""
    yield "## Exit codes"
    yield ""
    yield from table(("code", ""), ((str(int(code)), code.name.lower()) for code in ExitCode))


def _states() -> Iterator[str]:
    yield "[Architecture](../architecture.md) explains each state, and how one follows from another."
    yield ""
    for title, kind in (("A campaign", CampaignState), ("A chunk", ChunkState), ("A batch", BatchState)):
        yield f"## {title}"
        yield ""
        for state in kind:
            yield f"- `{state.value}`" + (" (final)" if isinstance(state, CampaignState) and state.final else "")
        yield ""
    yield "## A message"
    yield ""
    yield (
        "`status` counts the messages in each state. Every accepted message is in exactly one: "
        + ", ".join(f"`{state}`" for state in MESSAGE_STATES)
        + "."
    )


def _events() -> Iterator[str]:
    yield "`producer.watch(campaign_id)` returns the events of one campaign, and `producer.events(since=…)` those of"
    yield "all campaigns. `bsg-campaigns events --json` prints them, one document a line."
    yield ""
    yield documentation(Transition)
    yield ""
    yield from fields_of(Transition)
    yield "`from_state` and `to_state` are [states](states.md) of a chunk (`batch` is `chunk N`) or of a batch. A batch"
    yield 'begins as `pending`, with `from_state` "". Both states are the same if only something else has changed, such'
    yield "as BSG's status. `cause` says why, for people: no program should depend on its words."
    yield ""
    yield "The campaign itself (`batch` is empty) has these:"
    yield ""
    final = ", ".join(f"`{state.value}`" for state in CampaignState if state in FINAL_CAMPAIGN_STATES)
    yield from table(
        ("from", "to", "when"),
        (
            ("", "`accepted`", "an `enqueue`, or the first message of a stream's campaign, is committed"),
            ("", "`rekeyed`", "the campaign has another key of its account"),
            ("`running`", "`paused`, and back", "an operator, or `max_cost`"),
            ("`running`, `paused`", "`cancelling`", "a cancel, while something is at BSG or may be"),
            ("`running`, `paused`", final, "it has ended: nothing is left to do"),
            (final, "`running`, `paused`", "it continues: a retry, or BSG has sent some of it after all"),
            (final, f"another of {final}", "it has another end: a cancel, or messages that BSG dropped"),
        ),
    )
    yield "The step that makes the campaign's state final records each end once. An app that waits for an end"
    yield "reads events with an empty `batch` and a final `to_state`."
    yield ""
    yield "## Delivery reports"
    yield ""
    yield "`producer.delivery_reports(since=…)` returns the reports that BSG pushed for single messages, and"
    yield "`bsg-campaigns events --reports` prints them. They are in a separate feed, which has its own positions."
    yield ""
    yield documentation(DeliveryReport)
    yield ""
    yield from fields_of(DeliveryReport)


def _metrics() -> Iterator[str]:
    yield "They are in Flower's `/metrics`, in addition to Flower's own. No label names a campaign. The dashboard is"
    yield "`monitor/bsg_monitor/grafana/dashboards/campaigns.json`, and the alert rules are"
    yield "`monitor/bsg_monitor/prometheus/alerts.yml`. `docker compose --profile monitoring up` runs both."
    yield ""
    yield f"The label `stream` has the {STREAMS_MEASURED} streams that began a campaign last, so that the number of"
    yield "time series is bounded. A stream in use begins a campaign each hour. `bsg_streams` shows whether some are"
    yield "left out."
    yield ""
    histogram = Histogram([0] * (len(SECONDS) + 1), 0.0)
    gate = GateState(open=True, reason="", by="", since=None, balance=None)
    overview = Overview([AccountState(DEFAULT_ACCOUNT, gate, "", 0.0, 0.0, None)], datetime.now(UTC))
    measured = AccountFigures(
        dict.fromkeys(COUNTED, 0), Measured({"taken": 0}, histogram, histogram), dict.fromkeys(FailureKind, 0)
    )
    queues = dict.fromkeys((dispatch_queue(DEFAULT_ACCOUNT), STATUS_QUEUE), 0)
    streams = StreamFigures(1, [MeasuredStream("", paused=False, waiting=0, oldest_waiting=0.0, accepted=0)])
    figures = Figures({"pending": 0}, queues, 0, overview, {DEFAULT_ACCOUNT: measured}, {}, streams)
    rows = []
    for family in CampaignMetrics(lambda: figures).collect():
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
        name = f"{family.name}_total" if family.type == "counter" else family.name
        rows.append((f"`{name}`", family.type, ", ".join(f"`{label}`" for label in labels), family.documentation))
    yield from table(("metric", "type", "labels", "meaning"), rows)
    yield "Outcomes: " + ", ".join(f"`{kind.value}`" for kind in OutcomeKind) + "."
    yield ""
    yield "Kinds: " + ", ".join(f"`{kind.value}`" for kind in FailureKind) + "."
    yield ""
    yield "Reasons are those of [Codes](codes.md) that are not final."


def _keys() -> Iterator[str]:
    yield from inspect.cleandoc(schema.__doc__ or "").partition("\n\n")[2].splitlines()
    yield ""
    yield "Other keys in the same Redis are Celery's: its queues, and what begins with `_kombu` or `unacked`."
    yield ""
    yield from table(
        ("key", "type", "what it holds", "removed by"),
        ((f"`{key.pattern}`", key.type, key.meaning, key.removed_by) for key in schema.KEYS),
    )
    for key in schema.KEYS:
        if key.fields:
            yield f"## `{key.pattern}`"
            yield ""
            yield from table(("field", "meaning"), ((f"`{name}`", meaning) for name, meaning in key.fields.items()))


def _codes() -> Iterator[str]:
    yield "## Why a message is rejected"
    yield ""
    yield from table(("code", "meaning"), ((f"`{code.value}`", MEANINGS[code]) for code in RejectCode))
    yield "## What a campaign waits for"
    yield ""
    yield "These are the values of `reason` in `explain --json` and `list --json`."
    yield ""
    yield from table(
        ("reason", "its messages are"), ((f"`{one.value}`", _in_general(TEXTS[one].description)) for one in WaitReason)
    )
    yield "## Why a gate is shut"
    yield ""
    yield from (f"- `{reason.value}`" for reason in GateReason)


def _in_general(text: str) -> str:
    """Return the text without the facts of a single campaign."""
    return re.sub(r"\{\w+\}", "…", re.sub(r"\{(in_brackets|after_colon|since)\}", "", text))


if __name__ == "__main__":
    sys.exit(main())
