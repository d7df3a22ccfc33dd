"""The plugin as a user's suite meets it: pytest runs files that know only its fixture and its marker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

SUITE = """
    import pytest
    from bsg_producer import Producer

    def remind(phone):
        reminders = Producer().stream("reminders", sender="MyShop", text="See you at {{ time }}")
        reminders.send({"phone": phone, "time": "9:00"})

    def test_sent(campaigns):
        remind("+380 66 123-12-31")
        campaigns.assert_sent(to="+380661231231", text="See you at 9:00")
        campaigns.drain()
        assert campaigns.sandbox.summary().messages == 1

    def test_each_test_begins_empty(campaigns):
        campaigns.assert_nothing_sent()

    @pytest.mark.campaigns(settings={"BSG_TIMEZONE": "Europe/Kyiv"}, accounts=["marketing"])
    def test_marked(campaigns):
        receipt = campaigns.producer.enqueue(
            [{"phone": 380661231231, "text": "Hi"}], sender="MyShop", account="marketing", send_between="00:00-23:59"
        )
        campaigns.drain()
        assert campaigns.producer.status(receipt.campaign_id).state == "done"

    def test_wrong(campaigns):
        remind("+380 66 123-12-31")
        campaigns.assert_sent(text="See you at 10:00")
"""


def run_suite(directory: Path, source: str, *arguments: str) -> str:
    """Run pytest over a file in a directory of its own. Return what it prints."""
    (directory / "test_app.py").write_text(dedent(source))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", ".", *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_a_suite_uses_the_fixture_and_the_marker(tmp_path: Path) -> None:
    printed = run_suite(tmp_path, SUITE, "--strict-markers")

    assert "1 failed, 3 passed" in printed
    assert "AssertionError: expected a message (text 'See you at 10:00'), found 0" in printed
    assert "380661231231  'See you at 9:00'  from MyShop, pending, campaign reminders" in printed


def test_the_plugin_imports_nothing_of_the_project_until_a_test_needs_it(tmp_path: Path) -> None:
    source = """
        import sys

        def test_imports():
            ours = {name for name in sys.modules if name.startswith("bsg_")}
            assert ours == {"bsg_testing", "bsg_testing.pytest_plugin"}
    """

    assert "1 passed" in run_suite(tmp_path, source)


def test_a_suite_that_names_the_mode_may_import_an_app_that_makes_its_producer_at_once(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ncampaigns_mode = memory\n")
    (tmp_path / "app.py").write_text("from bsg_producer import Producer\nproducer = Producer()\n")
    source = """
        from app import producer

        def send():
            producer.enqueue([{"phone": 380661231231, "text": "Hello"}], sender="MyShop")

        def test_sent(campaigns):
            send()
            campaigns.assert_sent(text="Hello", times=1)

        def test_sent_again(campaigns):
            send()
            campaigns.drain()
            assert campaigns.sandbox.summary().messages == 1

        def test_without_the_fixture():
            send()
    """

    assert "3 passed" in run_suite(tmp_path, source)


def test_the_marker_takes_the_arguments_of_the_environment_and_no_others(tmp_path: Path) -> None:
    source = """
        import os
        import pytest

        @pytest.mark.campaigns("memory")
        def test_by_position(campaigns):
            assert "memory" in os.environ["REDIS_URL"]

        @pytest.mark.campaigns(setings={})
        def test_mistyped(campaigns):
            pass
    """

    printed = run_suite(tmp_path, source)

    assert "1 passed, 1 error" in printed
    assert "unexpected keyword argument 'setings'" in printed


def test_a_mode_that_does_not_exist_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ncampaigns_mode = memroy\n")

    printed = run_suite(tmp_path, "")

    assert printed.strip() == "ERROR: campaigns_mode = memroy: mode must be embedded or memory, not 'memroy'"


def test_without_pytest_nobody_imports_the_plugin() -> None:
    program = "import sys, bsg_producer, bsg_cli.command_line; assert 'bsg_testing' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
