from __future__ import annotations

import pickle

import pytest

from bsg_worker.failures import TaskFailed, concerning, without_contents


@without_contents
def failing_task() -> str:
    with concerning(campaign="c"), concerning(campaign="c", batch="c-1", attempt=2):
        raise ValueError("cannot send to 380661231231")


def test_a_failure_has_the_innermost_subject_of_its_exception_and_not_its_message() -> None:
    with pytest.raises(
        TaskFailed, match=r"^ValueError at .* failing_task, campaign c, batch c-1, attempt 2$"
    ) as raised:
        failing_task()

    assert raised.value.subject == {"campaign": "c", "batch": "c-1", "attempt": 2}


def test_a_failure_passes_from_one_process_of_a_pool_to_another() -> None:
    failure = TaskFailed("ValueError at a.py:1 b", {"campaign": "c"})

    passed = pickle.loads(pickle.dumps(failure))

    assert (str(passed), passed.failure, passed.subject) == (str(failure), failure.failure, failure.subject)
