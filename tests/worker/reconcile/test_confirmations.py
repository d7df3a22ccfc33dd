from __future__ import annotations

from bsg_worker.reconcile.confirmations import Confirmations


def test_one_look_confirms_nothing() -> None:
    assert not Confirmations().confirm("batch", finding=1, began=100.0, ended=100.0, confirm_within=0.0)


def test_two_looks_the_span_apart_confirm_an_absence() -> None:
    confirmations = Confirmations()
    confirmations.confirm("batch", finding=1, began=100.0, ended=100.0, confirm_within=60.0)

    assert not confirmations.confirm("batch", finding=1, began=159.9, ended=159.9, confirm_within=60.0)
    assert confirmations.confirm("batch", finding=1, began=160.0, ended=160.0, confirm_within=60.0)


def test_the_span_is_from_the_end_of_one_look_to_the_beginning_of_the_next() -> None:
    confirmations = Confirmations()
    confirmations.confirm("batch", finding=1, began=100.0, ended=190.0, confirm_within=60.0)

    assert not confirmations.confirm("batch", finding=1, began=191.0, ended=400.0, confirm_within=60.0)
    assert confirmations.confirm("batch", finding=1, began=250.0, ended=250.0, confirm_within=60.0)


def test_a_later_attempt_makes_earlier_looks_worthless() -> None:
    confirmations = Confirmations()
    confirmations.confirm("batch", finding=1, began=100.0, ended=100.0, confirm_within=60.0)

    assert not confirmations.confirm("batch", finding=2, began=200.0, ended=200.0, confirm_within=60.0)
    assert confirmations.confirm("batch", finding=2, began=260.0, ended=260.0, confirm_within=60.0)


def test_a_trace_found_meanwhile_makes_earlier_looks_worthless() -> None:
    confirmations = Confirmations()
    confirmations.confirm("batch", finding=1, began=100.0, ended=100.0, confirm_within=60.0)
    confirmations.forget("batch")

    assert not confirmations.confirm("batch", finding=1, began=200.0, ended=200.0, confirm_within=60.0)
