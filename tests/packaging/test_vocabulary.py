"""The sources speak the field's vocabulary: private words that are gone stay away.

Each row has a word, a regular expression of its uses, and the lines in which the same letters are standard English or
somebody else's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {".py", ".lua", ".md", ".toml", ".yml", ".html", ".js", ".txt", ".conf", ".example"}
LEFT_OUT = (
    ".",
    "build/",
    "dist/",
    "LICENSE",
    "requirements",
    "tests/packaging/test_vocabulary.py",
)


@dataclass(frozen=True, slots=True)
class Word:
    """`allowed` is a regular expression of lines in which the uses are right."""

    instead: str
    uses: str
    allowed: str = r"(?!)"


GONE = {
    "far side": Word("provider, fake server, sandbox", r"(?i)\bfar[ _]side|FarSide|other side of the wire"),
    "leash": Word("parent guard", r"(?i)leash"),
    "steering": Word("control", r"(?i)\bsteer"),
    "wording": Word("formatting", r"(?i)\bwording"),
    "rehearsal": Word("dry run", r"(?i)rehears"),
    "verdict": Word("classification, result", r"(?i)verdict"),
    "stranger": Word("orphan", r"(?i)stranger|without_owner|without an owner|WithoutOwner"),
    "mistrust": Word("mark in doubt", r"(?i)mistrust"),
    "quick look": Word("fast path", r"(?i)quick[ _]look|QuickColumns"),
    "witness": Word("rollback detector", r"(?i)witness"),
    "adopt": Word("recover", r"(?i)\badopt|_adopt|Adoption"),
    "room": Word("due index", r"(?i)(?<![a-z])rooms?(?![a-z])"),
    "seal": Word("cipher, encryption", r"(?i)(?<![a-z])seal|BodySeal", allowed=r"\benv\.seal\(\)"),
    "pulse": Word("liveness ping, heartbeat", r"(?i)pulse|beat_trace|leave_trace"),
    "stamp": Word("assign", r"(?i)(?<![a-z])(un)?stamp", allowed=r'"stamp(s|ed_headers)": '),
    "settle": Word("wait for the disk, status pass, decide", r"(?i)settl(?!ings)"),
    "evidence": Word("confirmation", r"\bEvidence\(|\.evidence\b|\.stands\("),
    "patience": Word("timeout", r"(?i)patien"),
    "exchange": Word("request, deadline", r"(?i)exchange", allowed=r'"delivery_info": \{"exchange": ""'),
    "obey, denies": Word(
        "apply_backpressure, is_not_found, is_account_wide", r"\bobey\(|(?<!_)\bdenies\(|concerns_everybody|DENIALS"
    ),
    "_MOST, _LEAST, LONGEST_": Word(
        "MAX_, MIN_", r"\b[A-Z0-9_]+_(MOST|LEAST)\b|\b_?(LONGEST|SHORTEST|MOST|LEAST|FEWEST)_[A-Z0-9_]+\b"
    ),
    "moment()": Word("to_datetime, format_time", r"(?<![a-z ])moment\(|\bmoments\.|(?<!any)_moment\(|\bmoment_"),
    "asks, a person": Word(
        "needs_operator, operator",
        r"(?i)needs_person|['\"`]asks['\"`]|asks_why|(?<![a-z])a[ _]persons?(?![a-z])",
        allowed=r"\bto any person\b",
    ),
    "remark, amiss": Word("note, errors, others", r"(?i)\bremark|amiss|\bbeside[=:]|\bits\b\."),
    "round, by lot": Word(
        "pass, shuffled", r"\bby_lot\b|\b[Bb]y lot\b|another round|\bround_\b|\bno round\b|\brounds\.py"
    ),
    "standing": Word("current, remaining, permanent", r"(?i)\bstandings?\b"),
    "Bench, Desk, Stage": Word(
        "harness, environment, trial", r"\b(Bench|Desk|Stage|Scene|Site|Lane|World)\b|\bclass Play\b|\b(bench|desk)\."
    ),
    "envelope": Word("campaign options", r"(?i)envelope"),
    "part (of a campaign)": Word(
        "chunk",
        r"\bpart_|_parts?\b|\bParts?[A-Z]|\bPARTS?_|\blease the part\b",
        allowed=r"_PARTS?\b|archive|broken_part",
    ),
    "doorbell, bell, ring": Word("wake-up", r"(?i)doorbell|\bbells?\b|\brung\b|\brings?\b|\brang\b"),
    "turn": Word(
        "pass, request",
        r"(?<![a-z])turns?(?![a-z])",
        allowed=r"(?i)in[ _]turns?(?![a-z])|tak(e|es|ing)[ _]turns|turns?[ _](out|up|into|away)(?![a-z])",
    ),
    "place (of a message)": Word(
        "index, position",
        r"\bplaces?\b|_place_of\b",
        allowed=r"\b(one|only|same|usual|a|no|exact|another) places?\b|\bin (its |their )?place\b|\btook place\b",
    ),
    "Flaw, Fault": Word("Violation", r"\bFlaw\b|\bflaws?\b|\bRowFault\b|\bTemplateFault\b|\bFieldMissing\b"),
    "tell, told, said, word": Word(
        "report, message, decision",
        r"(?<![a-z])told(?![a-z])|\btells?\b|\bsaid\b",
        allowed=r"(BSG|operator) (has )?said\b|whole\.tell\(\)",
    ),
    "answers": Word("return, response", r"(?i)(?<![a-z])answer"),
}


@pytest.mark.parametrize("word", GONE)
def test_a_private_word_is_used_nowhere(word: str) -> None:
    found = [f"{name}: {line}" for name, line in uses_of(GONE[word])]

    assert not found, f"write {GONE[word].instead} instead of {word}"


def uses_of(word: Word) -> Iterator[tuple[str, str]]:
    uses, allowed = re.compile(word.uses), re.compile(word.allowed)
    for name, text in _texts().items():
        if uses.search(name):
            yield name, "its name"
        if uses.search(text):
            for number, line in enumerate(text.splitlines(), 1):
                if uses.search(line) and not allowed.search(line):
                    yield f"{name}:{number}", line.strip()


_READ: dict[str, str] = {}


def _texts() -> dict[str, str]:
    if not _READ:
        top = [entry for entry in ROOT.iterdir() if not entry.name.startswith(LEFT_OUT)]  # .venv has tens of thousands
        for path in sorted(path for entry in top for path in (entry.rglob("*") if entry.is_dir() else (entry,))):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(LEFT_OUT) or "/." in name or path.suffix not in SUFFIXES or not path.is_file():
                continue
            _READ[name] = path.read_text("utf-8")
    return _READ
