"""How the tests are divided: a folder among several processes, a file in one, and what is shared stays together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.distribution import ONE_BY_ONE, ONE_ENVIRONMENT, SLOW_FIRST, process_count, rank, unit_of

ROOT = Path(__file__).parents[1]


class Options:
    """What pytest was asked for, without the rest of its configuration."""

    def __init__(self, *arguments: str, **options: object) -> None:
        self.args = [str(ROOT / argument) for argument in arguments]
        self._options = options

    def getoption(self, name: str) -> object:
        return self._options.get(name)


@pytest.mark.parametrize("arguments", [("tests",), ("tests/cli",), ("tests/cli", "tests/worker")])
def test_folders_are_divided(arguments: tuple[str, ...]) -> None:
    assert process_count(Options(*arguments)) >= 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("tests/test_fast.py",), {}),
        (("tests/test_fast.py::test_what_reaches_one_is_not",), {}),
        (("tests/cli", "tests/test_fast.py"), {}),
        (("tests",), {"keyword": "rate"}),
        (("tests",), {"markexpr": "fast"}),
        (("tests",), {"lf": True}),
    ],
)
def test_a_file_and_what_is_selected_by_name_run_in_one_process(
    arguments: tuple[str, ...], options: dict[str, object]
) -> None:
    assert process_count(Options(*arguments, **options)) == 0  # type: ignore[arg-type]


def test_a_file_stays_together_and_so_does_a_folder_with_one_environment() -> None:
    assert unit_of("tests/cli/test_up.py::test_a[x::y]") == "tests/cli/test_up.py"
    assert unit_of("tests/monitor/test_metrics.py::test_b") == unit_of("tests/monitor/test_prometheus.py::test_c")


def test_tests_that_compute_for_long_are_divided_one_by_one() -> None:
    assert unit_of("tests/exhaustive/test_walks.py::test_a") != unit_of("tests/exhaustive/test_walks.py::test_b")


def test_what_takes_longest_comes_first() -> None:
    tests = ["tests/client/test_tokens.py::test_a", "tests/cli/test_up.py::test_b", "tests/scenarios/test_limits.py::c"]

    assert sorted(tests, key=rank) == list(reversed(tests))


@pytest.mark.parametrize("path", sorted({*ONE_ENVIRONMENT, *ONE_BY_ONE, *SLOW_FIRST}))
def test_each_path_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists()
