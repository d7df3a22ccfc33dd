"""`calibrate`: the unknowns of an account become facts, settings and findings of `doctor`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bsg_cli.calibration_settings import contradictions
from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_ledger.provider_facts import ProviderFacts
from bsg_sandbox.server import Sandbox
from tests.processes import QUICK

OWN, SECOND = "+380 66 123-12-31", "+380 66 123-12-32"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(creation_seconds=0.3) as sandbox:
        yield sandbox


class Calibrated:
    """What one `calibrate` printed and stored."""

    def __init__(self, redis_url: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        self._capsys = capsys
        self._environment = {**QUICK, "REDIS_URL": redis_url, "BSG_BASE_URL": sandbox.url}
        for name, value in self._environment.items():
            monkeypatch.setenv(name, value)

    def run(self, *words: str) -> int:
        code = main(["calibrate", "--sender", "MyShop", *words])
        self.output, self.errors = self._capsys.readouterr()
        return code

    def facts(self, *phones: str) -> ProviderFacts:
        words = [word for phone in phones or (OWN,) for word in ("--phone", phone)]
        assert self.run(*words, "--yes", "--json") == ExitCode.OK, self.errors
        self.printed: dict[str, Any] = json.loads(self.output)
        settings = Settings.from_environment(self._environment)
        facts = Ledger(connect(settings)).provider_facts(settings.account.id).load()
        assert facts is not None
        return facts


@pytest.fixture
def calibrated(
    redis_url: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Calibrated:
    return Calibrated(redis_url, sandbox, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("mode", "phones", "rule", "window"),
    [
        ("reject_whole", (OWN,), "rejected", "3600"),
        ("reject_whole", (OWN, SECOND), "rejected_whole", "3600"),
        ("drop_singly", (OWN, SECOND), "rejected_singly", "3600"),
        ("allow", (OWN,), "taken", "0"),
        ("allow", (OWN, SECOND), "taken", "0"),
    ],
)
def test_what_becomes_of_a_duplicate_reference_id(
    calibrated: Calibrated, sandbox: Sandbox, mode: str, phones: tuple[str, ...], rule: str, window: str
) -> None:
    sandbox.configure(duplicates=mode)

    assert calibrated.facts(*phones).duplicates == rule
    assert f"BSG_DUPLICATE_WINDOW={window}" in calibrated.printed["settings"]


def test_nothing_is_sent_in_the_end(calibrated: Calibrated, sandbox: Sandbox) -> None:
    sandbox.configure(duplicates="allow")

    calibrated.facts(OWN, SECOND)

    assert {campaign["status"] for campaign in sandbox.record().campaigns} == {"stopped"}


@pytest.mark.parametrize("allowed", [False, True])
def test_in_which_states_a_stop_is_taken(calibrated: Calibrated, sandbox: Sandbox, *, allowed: bool) -> None:
    sandbox.configure(stop_in_creation=allowed, creation_seconds=2.0)

    facts = calibrated.facts()

    assert facts.stop_in_creation is allowed
    assert facts.stop_in_scheduled is (None if allowed else True)


def test_how_late_bsg_shows_a_message(calibrated: Calibrated, sandbox: Sandbox) -> None:
    sandbox.fault("late_visibility", seconds=1.5, times=50)

    visible_after = calibrated.facts().message_visible_after

    assert visible_after is not None
    assert 1.0 <= visible_after < 10.0


@pytest.mark.parametrize(("hours", "zone"), [(0.0, "UTC"), (3.0, "Etc/GMT-3"), (-5.0, "Etc/GMT+5")])
def test_the_zone_of_bsgs_times(calibrated: Calibrated, sandbox: Sandbox, hours: float, zone: str) -> None:
    sandbox.configure(zone_offset_hours=hours)

    assert calibrated.facts().minutes_east == hours * 60
    assert f"BSG_TIMEZONE={zone}" in calibrated.printed["settings"]


def test_a_pace_that_bsg_throttles_lowers_the_limit(
    calibrated: Calibrated, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BSG_RATE_LIMIT", "20/s")
    monkeypatch.setenv("BSG_RATE_BURST", "1")
    monkeypatch.setenv("BSG_STATUS_RATE_LIMIT", "5/s")
    sandbox.configure(rate_limit=8.0)

    facts = calibrated.facts()

    assert facts.requests == 20
    assert 0 < facts.throttled < 20
    (limit,) = [line for line in calibrated.printed["settings"] if line.startswith("BSG_RATE_LIMIT=")]
    assert limit == f"BSG_RATE_LIMIT={max(1, 20 - facts.throttled)}/s"


def test_without_agreement_nothing_is_sent_and_the_cost_is_shown(calibrated: Calibrated, sandbox: Sandbox) -> None:
    assert calibrated.run("--phone", OWN) == ExitCode.MISUSE
    assert "they cost 0.03 EUR" in calibrated.errors
    assert sandbox.summary().messages == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--phone", "12"), "--phone: not an international phone number"),
        (("--phone", OWN, "--phone", OWN), "--phone: the same one twice"),
        (("--phone", OWN, "--phone", SECOND, "--phone", "+380661231233"), "--phone: 3 of them"),
        (("--phone", OWN, "--sender", "much too long a name"), "--sender: "),
    ],
)
def test_bad_input_is_named_before_anything_is_sent(
    calibrated: Calibrated, sandbox: Sandbox, words: tuple[str, ...], message: str
) -> None:
    assert calibrated.run(*words, "--yes") == ExitCode.MISUSE
    assert message in calibrated.errors
    assert sandbox.summary().messages == 0


def test_a_first_message_that_bsg_does_not_take_is_reported(calibrated: Calibrated, sandbox: Sandbox) -> None:
    sandbox.fault("no_funds")

    assert calibrated.run("--phone", OWN, "--yes") == ExitCode.UNREACHABLE
    assert "BSG did not take the first message: not enough funds" in calibrated.errors


def test_its_table_is_for_people_and_names_no_phone(calibrated: Calibrated, sandbox: Sandbox) -> None:
    sandbox.configure(creation_seconds=2.0)

    assert calibrated.run("--phone", OWN, "--yes") == ExitCode.OK

    assert "A stop in the state creation is refused, in scheduled taken." in calibrated.output
    assert "66123" not in calibrated.output + calibrated.errors


def test_doctor_reports_which_settings_contradict_the_facts(
    calibrated: Calibrated, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.configure(duplicates="allow", zone_offset_hours=3.0)
    calibrated.facts()

    main(["doctor", "--within", "0.1"])

    output = capsys.readouterr().out
    assert "BSG_DUPLICATE_WINDOW" in output
    assert "may be sent twice" in output
    assert "BSG's times were +180 minutes from UTC" in output


def test_settings_that_fit_contradict_nothing(calibrated: Calibrated) -> None:
    facts = calibrated.facts()

    assert contradictions(facts, Settings.build(bsg_api_key="live_sandbox").account) == []
