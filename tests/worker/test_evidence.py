from __future__ import annotations

from bsg_worker.evidence import Evidence


def test_one_look_is_no_evidence_of_absence() -> None:
    assert not Evidence().stands("batch", finding=1, now=100.0, confirm_within=0.0)


def test_two_looks_the_span_apart_are_evidence() -> None:
    evidence = Evidence()
    evidence.stands("batch", finding=1, now=100.0, confirm_within=60.0)

    assert not evidence.stands("batch", finding=1, now=159.9, confirm_within=60.0)
    assert evidence.stands("batch", finding=1, now=160.0, confirm_within=60.0)


def test_a_later_attempt_makes_earlier_looks_worthless() -> None:
    evidence = Evidence()
    evidence.stands("batch", finding=1, now=100.0, confirm_within=60.0)

    assert not evidence.stands("batch", finding=2, now=200.0, confirm_within=60.0)
    assert evidence.stands("batch", finding=2, now=260.0, confirm_within=60.0)


def test_a_trace_found_meanwhile_makes_earlier_looks_worthless() -> None:
    evidence = Evidence()
    evidence.stands("batch", finding=1, now=100.0, confirm_within=60.0)
    evidence.forget("batch")

    assert not evidence.stands("batch", finding=1, now=200.0, confirm_within=60.0)
