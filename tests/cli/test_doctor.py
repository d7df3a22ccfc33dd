"""What doctor finds on real servers: a working system has no problem, and each thing that breaks one is named."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from bsg_cli.diagnosis.account import look_at_accounts
from bsg_cli.diagnosis.bodies import look_at_bodies
from bsg_cli.diagnosis.campaigns import look_at_campaigns
from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.diagnosis.redis_server import look_at_redis
from bsg_cli.diagnosis.senders import look_at_senders
from bsg_cli.diagnosis.waiting import look_at_waiting
from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_cli.printing import format_time
from bsg_client.outcomes import ReadFailed
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger import schema
from bsg_ledger.due_indexes import DueIndex, unassigned
from bsg_ledger.failures import QUIET_MS, FailureKind
from bsg_ledger.gate import GateReason
from bsg_ledger.ledger import Ledger
from bsg_ledger.limiter import Limiter
from bsg_messages.body_cipher import BodyCipher
from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from tests.cli.conftest import Running
from tests.ledger.campaigns import LedgerHarness
from tests.processes import wait_until
from tests.servers import RedisServer
from tests.worker.harness import WorkerHarness


def finding_of(findings: Iterator[Finding], subject: str) -> Finding:
    """Return the worst of what is found about the subject."""
    return max((one for one in findings if one.subject == subject), key=lambda one: list(Level).index(one.level))


@dataclass
class Doctor:
    capsys: pytest.CaptureFixture[str]
    output: str = ""

    def run(self, *words: str) -> int:
        code = main(["doctor", *words])
        captured = self.capsys.readouterr()
        self.output = captured.out + captured.err
        return code


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(capsys)


@pytest.fixture
def system(running: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    monkeypatch.setenv("REDIS_URL", running.server.url)
    monkeypatch.setenv("BSG_API_KEY", "live_sandbox")
    monkeypatch.setenv("BSG_BASE_URL", running.sandbox.url)
    return running


def test_a_working_system_has_no_problem(system: Running, doctor: Doctor) -> None:
    wait_until(
        lambda: system.liveness.heartbeats.since_last_tick() is not None, within=10, what="beat's first heartbeat"
    )
    assert doctor.run() == ExitCode.OK, doctor.output
    assert "Nothing here would lose, double or hold messages." in doctor.output
    for line in (
        "keeps what it acknowledges",
        "workers: take tasks",
        "beat: sent its last tick",
        "BSG: accepts the key",
        "gate: open",
    ):
        assert line in doctor.output


def test_a_worker_that_hangs_is_a_problem_with_its_queues_and_the_remedy(system: Running, doctor: Doctor) -> None:
    system.worker.process.send_signal(signal.SIGSTOP)
    try:
        assert doctor.run("--within", "1", "--json") == ExitCode.FAILED
    finally:
        system.worker.process.send_signal(signal.SIGCONT)
    findings = [json.loads(line) for line in doctor.output.splitlines()]
    (problem,) = (one for one in findings if one["level"] == "problem")
    assert problem["subject"] == "workers"
    assert "dispatch.default" in problem["message"]
    assert "Start a worker" in problem["remedy"]
    with system.server.client() as client:
        assert client.llen("dispatch.default") == 0, "a ping that nobody waits for"


@pytest.mark.parametrize(
    ("settings", "level", "says"),
    [
        ({"maxmemory-policy": "allkeys-lru"}, Level.PROBLEM, "throws campaigns away"),
        ({"maxmemory": "3mb"}, Level.WARNING, "can hold about"),
        ({"maxmemory": "0"}, Level.NOTE, "has no maxmemory"),
        ({"appendonly": "no"}, Level.PROBLEM, "cannot prove that it keeps what it acknowledges"),
    ],
)
def test_what_a_server_must_not_be_is_named(
    own_redis_server: RedisServer, settings: dict[str, str], level: Level, says: str
) -> None:
    with own_redis_server.client() as client:
        for name, value in settings.items():
            client.config_set(name, value)
        finding = finding_of(look_at_redis(client, Settings.build(redis_url=own_redis_server.url)), "Redis")
    assert (finding.level, says in finding.message) == (level, True), finding
    assert finding.remedy


@pytest.mark.parametrize(("append_only", "level"), [("yes", Level.WARNING), ("no", Level.PROBLEM)])
def test_relaxed_durability_is_a_problem_only_where_a_restart_loses_everything(
    own_redis_server: RedisServer, append_only: str, level: Level
) -> None:
    settings = Settings.build(redis_url=own_redis_server.url, queue_durability="relaxed")
    with own_redis_server.client() as client:
        client.config_set("appendonly", append_only)
        finding = finding_of(look_at_redis(client, settings), "Redis")
    assert finding.level is level
    assert "QUEUE_DURABILITY=relaxed" in finding.message


def test_without_a_redis_there_is_nothing_to_look_at(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert doctor.run() == ExitCode.UNREACHABLE
    assert "Redis cannot be reached" in doctor.output


class Ward:
    """An empty ledger with its account at a sandbox."""

    def __init__(self, redis_url: str, sandbox: Sandbox, **changes: Any) -> None:
        self.settings = Settings.build(
            **{"redis_url": redis_url, "bsg_api_key": "live_sandbox", "bsg_base_url": sandbox.url, **changes}
        )
        self.ledger_harness = LedgerHarness.at(redis_url)
        self.account = self.settings.account.id

    def of_account(self, subject: str) -> Finding:
        return finding_of(look_at_accounts(self.ledger_harness.client, self.settings), subject)

    def of_campaigns(self, subject: str) -> Finding:
        return finding_of(look_at_campaigns(self.ledger_harness.client, self.settings), subject)

    def of_waiting(self) -> Finding:
        (finding,) = look_at_waiting(self.ledger_harness.client, self.settings)
        return finding


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def ward(redis_url: str, sandbox: Sandbox) -> Ward:
    return Ward(redis_url, sandbox)


def test_a_key_that_bsg_does_not_know_is_a_problem(redis_url: str, sandbox: Sandbox) -> None:
    finding = Ward(redis_url, sandbox, bsg_api_key="live_unknown").of_account("BSG")
    assert (finding.level, finding.message) == (Level.PROBLEM, "does not accept the key")


def test_a_bsg_that_does_not_respond_is_a_problem(redis_url: str, sandbox: Sandbox) -> None:
    finding = Ward(redis_url, sandbox, bsg_base_url="http://127.0.0.1:1").of_account("BSG")
    assert finding.level is Level.PROBLEM
    assert "no usable response" in finding.message


def test_without_a_key_bsg_is_not_asked_and_nothing_is_reported_of_the_gate(redis_url: str) -> None:
    findings = list(look_at_accounts(LedgerHarness.at(redis_url).client, Settings.build(redis_url=redis_url)))
    assert [(one.subject, one.level) for one in findings] == [("BSG", Level.NOTE)]


@pytest.mark.parametrize("reason", GateReason)
def test_a_shut_gate_is_reported_with_what_opens_it(ward: Ward, reason: GateReason) -> None:
    Ledger(ward.ledger_harness.client).gate(ward.account).shut(reason=reason, by="test")
    finding = ward.of_account("gate")
    assert finding.level is (Level.WARNING if reason is GateReason.OPERATOR else Level.PROBLEM)
    assert finding.remedy


def test_a_half_open_gate_is_a_warning(ward: Ward) -> None:
    gate = Ledger(ward.ledger_harness.client).gate(ward.account)
    gate.shut(reason=GateReason.DOUBTS, by="test")
    gate.reopen(by="probe")

    finding = ward.of_account("gate")

    assert finding.level is Level.WARNING
    assert finding.message.startswith("half open since ")
    assert "one batch at a time" in finding.message


@pytest.fixture
def harness(redis_url: str, sandbox: Sandbox) -> WorkerHarness:
    return WorkerHarness(redis_url, sandbox, BSG_API_KEY="live_sandbox")


def failures_reported(harness: WorkerHarness) -> list[Finding]:
    found = look_at_accounts(harness.runtime.redis, harness.settings)
    return [one for one in found if one.subject == "BSG" and "request" in one.message]


def test_errors_that_bsg_returns_are_reported_with_their_number_and_since_when(harness: WorkerHarness) -> None:
    begun = format_time(datetime.fromtimestamp(harness.runtime.ledger.due_indexes.now_ms() / 1000, UTC))
    harness.sandbox.fault(kind="server_error_before", status=500, times=3)
    for _ in range(3):
        harness.prepared(1)
        harness.dispatch()

    (finding,) = failures_reported(harness)

    assert finding.level is Level.WARNING
    assert finding.message.startswith(f"responds with errors (HTTP 500): 3 requests since {begun[:-2]}")
    assert "looked up" in finding.remedy


def test_a_throttled_account_is_reported_with_the_setting_to_lower(harness: WorkerHarness) -> None:
    harness.sandbox.fault(kind="throttle", times=3)
    for _ in range(3):
        harness.prepared(1)
        harness.dispatch()
        harness.runtime.redis.delete(schema.COOL_DOWN(harness.runtime.account.id))

    (finding,) = failures_reported(harness)

    assert finding.message.startswith("throttles the account (HTTP 429): 3 requests since ")
    assert "BSG_RATE_LIMIT" in finding.remedy


def test_reads_that_fail_are_reported_too(harness: WorkerHarness) -> None:
    harness.sandbox.fault(kind="server_error_before", method="GET", path="/api/campaigns*", status=503, times=4)
    for _ in range(4):
        with pytest.raises(ReadFailed):
            harness.runtime.client.campaign(1)

    (finding,) = failures_reported(harness)

    assert "(HTTP 503): 4 requests" in finding.message


def test_one_failure_is_a_note_and_what_was_long_ago_is_nothing(harness: WorkerHarness) -> None:
    harness.sandbox.fault(kind="server_error_before", times=1)
    harness.prepared(1)
    harness.dispatch()
    (finding,) = failures_reported(harness)
    assert finding.level is Level.NOTE

    harness.runtime.redis.hincrby(f"bsg:account:{harness.runtime.account.id}:failures", "error:last", -QUIET_MS)
    assert failures_reported(harness) == []


def test_a_duplicate_notice_and_a_no_are_no_failures_of_bsg(harness: WorkerHarness) -> None:
    harness.sandbox.fault(kind="duplicate_notice_after", times=1)
    harness.prepared(1)
    harness.dispatch()
    harness.sandbox.fault(kind="http_200_error", code=7, times=1)
    harness.prepared(1)
    harness.dispatch()

    assert failures_reported(harness) == []


def test_a_sender_of_a_campaign_under_way_that_bsg_has_not_registered_is_a_warning(harness: WorkerHarness) -> None:
    harness.sandbox.put_account("live_sandbox", senders=[{"sender": "MyShop", "status": "active", "country": "UA"}])
    harness.prepared(1)
    assert list(look_at_senders(harness.runtime.redis, harness.settings)) == []
    harness.prepared(1, sender="NoShop")

    (found,) = look_at_senders(harness.runtime.redis, harness.settings)

    assert (found.subject, found.level) == ("senders", Level.WARNING)
    assert "'NoShop': BSG has not registered it" in found.message


def test_a_warning_is_not_summed_up_as_a_system_in_order(system: Running, doctor: Doctor) -> None:
    wait_until(
        lambda: system.liveness.heartbeats.since_last_tick() is not None, within=10, what="beat's first heartbeat"
    )
    settings = Settings.from_environment()
    with system.server.client() as client:
        failures = Ledger(client).failures(settings.account.id)
        for _ in range(3):
            failures.note(FailureKind.ERROR, "HTTP 500")

        assert doctor.run() == ExitCode.OK, doctor.output

        client.delete(f"bsg:account:{settings.account.id}:failures")
    assert "No problems, but warnings: 1." in doctor.output
    assert "Nothing here would" not in doctor.output


def test_a_cool_down_is_noted(ward: Ward) -> None:
    Limiter(ward.ledger_harness.client, ward.account, "submit", ward.settings.account.bsg_rate_limit).cool_down(60)
    assert "cools down until" in ward.of_account("limiter").message


def test_a_batch_that_waits_for_an_operator_is_a_problem_and_one_that_is_looked_up_is_not(ward: Ward) -> None:
    campaign = ward.ledger_harness.prepared(10)
    lease = ward.ledger_harness.posting(campaign, account=ward.account)
    batches = ward.ledger_harness.ledger.batches
    batches.doubtful(lease, account=ward.account, cause="read timeout", doubts_allowed=5, suspects=None)
    looked_up = ward.of_campaigns("in doubt")
    look = ward.ledger_harness.ledger.due_indexes.looks(DueIndex.DOUBT, [f"{campaign}-0"], account=ward.account)[
        f"{campaign}-0"
    ]
    assert looked_up.level is Level.NOTE
    assert f"next at {format_time(look)}" in looked_up.message

    batches.ask_operator(lease.batch, attempts=1, older_than_ms=0, cause="does not fit")
    finding = ward.of_campaigns("in doubt")
    assert finding.level is Level.PROBLEM
    assert f"{campaign}-0" in finding.message


def test_what_has_waited_long_is_named(ward: Ward) -> None:
    assert ward.of_campaigns("waiting").message == "nothing is due"
    campaign = ward.ledger_harness.prepared(10)
    assert ward.of_campaigns("waiting").level is Level.OK
    ward.ledger_harness.client.zadd(f"bsg:campaign:{campaign}:due", {"0": 1})
    finding = ward.of_campaigns("waiting")
    assert finding.level is Level.WARNING
    assert campaign in finding.message


def test_campaigns_of_another_account_on_the_same_ledger_are_reported(ward: Ward) -> None:
    ward.ledger_harness.posting(ward.ledger_harness.prepared(10, 10), account="another")
    ward.ledger_harness.ledger.keys.note("another", name=DEFAULT_ACCOUNT, address="", bsg_account="")
    finding = ward.of_waiting()
    assert finding.level is Level.WARNING
    assert finding.message.startswith("1 campaign waits for workers with its key: account default")


def test_what_waits_for_somebody_is_reported_by_reason_with_the_way_out(ward: Ward) -> None:
    paused = [ward.ledger_harness.prepared(10) for _ in range(2)]
    for campaign in paused:
        ward.ledger_harness.ledger.campaigns.pause(campaign)
    ward.ledger_harness.prepared(10)

    finding = ward.of_waiting()

    assert finding.level is Level.NOTE
    assert finding.message.startswith("2 campaigns wait for an operator: it is paused (such as ")
    assert "bsg-campaigns resume" in finding.remedy


def test_what_no_worker_takes_is_a_problem(ward: Ward) -> None:
    campaign = ward.ledger_harness.prepared(10)
    assert list(look_at_waiting(ward.ledger_harness.client, ward.settings)) == []
    ward.ledger_harness.client.hset(f"bsg:campaign:{campaign}:batch:0", "not_before", 1)

    assert ward.of_waiting().level is Level.PROBLEM


def test_a_campaign_outside_of_its_hours_is_reported_with_when_they_begin(ward: Ward) -> None:
    opens = datetime.now(UTC) + timedelta(hours=2)
    hours = f"{opens:%H:%M}-{opens + timedelta(hours=1):%H:%M} UTC"
    ward.ledger_harness.prepared(10, options=json.dumps({"start_at": None, "send_between": hours}))

    assert f"until {format_time(opens.replace(second=0))}" in ward.of_waiting().message


@pytest.fixture
def with_both(redis_url: str, sandbox: Sandbox) -> Ward:
    """Two accounts, of which BSG knows the first."""
    ward = Ward(redis_url, sandbox)
    ward.settings = Settings.from_environment(
        {
            "REDIS_URL": redis_url,
            "BSG_BASE_URL": sandbox.url,
            "BSG_API_KEY": "live_sandbox",
            "BSG_API_KEY__MARKETING": "live_unknown",
        }
    )
    return ward


def test_each_account_is_looked_at_and_named(with_both: Ward) -> None:
    marketing = with_both.settings.of_account("marketing").id
    Ledger(with_both.ledger_harness.client).gate(marketing).shut(reason=GateReason.OPERATOR, by="test")

    assert with_both.of_account("BSG").level is Level.OK
    assert with_both.of_account("BSG (marketing)").remedy.startswith("Correct BSG_API_KEY__MARKETING")
    assert with_both.of_account("gate").message == "open"
    assert with_both.of_account("gate (marketing)").message.startswith("shut since ")
    assert with_both.of_campaigns("in doubt (marketing)").level is Level.OK


def test_campaigns_of_every_account_whose_key_is_here_are_no_orphans(with_both: Ward) -> None:
    with_both.ledger_harness.posting(
        with_both.ledger_harness.prepared(10), account=with_both.settings.of_account("marketing").id
    )
    due = with_both.ledger_harness.prepared(10, account_name="marketing")
    with_both.ledger_harness.client.zadd(f"bsg:account:{unassigned('marketing')}:due", {due: 1})

    assert list(look_at_waiting(with_both.ledger_harness.client, with_both.settings)) == []
    assert due in with_both.of_campaigns("waiting").message


def test_what_only_a_status_worker_with_the_key_looks_after_is_a_problem_once_nobody_does(with_both: Ward) -> None:
    marketing = with_both.settings.of_account("marketing").id
    with_both.ledger_harness.posting(with_both.ledger_harness.prepared(10), account=marketing)
    assert "status (marketing)" not in {
        one.subject for one in look_at_campaigns(with_both.ledger_harness.client, with_both.settings)
    }
    (member,) = with_both.ledger_harness.client.zrange(f"bsg:account:{marketing}:leases", 0, -1)
    with_both.ledger_harness.client.zadd(f"bsg:account:{marketing}:leases", {member: 1})

    finding = with_both.of_campaigns("status (marketing)")

    assert finding.level is Level.PROBLEM
    assert "BSG_API_KEY__MARKETING" in finding.remedy


def test_what_waits_for_an_account_that_nobody_knows_is_reported_without_any_key(redis_url: str) -> None:
    ledger_harness = LedgerHarness.at(redis_url)
    campaign = ledger_harness.prepared(10, account_name="marketng")
    ledger_harness.client.zadd(f"bsg:campaign:{campaign}:due", {"0": 1})

    finding = finding_of(look_at_campaigns(ledger_harness.client, Settings.build(redis_url=redis_url)), "waiting")

    assert finding.level is Level.WARNING
    assert campaign in finding.message


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        (GateReason.OPERATOR, "`bsg-campaigns gate open --account marketing`"),
        (GateReason.LEDGER_WENT_BACK, "`bsg-campaigns audit --recover --account marketing`"),
        (GateReason.BAD_KEY, "Correct BSG_API_KEY__MARKETING"),
    ],
)
def test_the_remedy_is_for_the_account_whose_gate_is_shut(with_both: Ward, reason: GateReason, remedy: str) -> None:
    Ledger(with_both.ledger_harness.client).gate(with_both.settings.of_account("marketing").id).shut(
        reason=reason, by="test"
    )

    assert remedy in with_both.of_account("gate (marketing)").remedy


def of_bodies(redis_url: str, **changes: Any) -> list[tuple[Level, str]]:
    settings = Settings.build(redis_url=redis_url, **changes)
    return [(finding.level, finding.message) for finding in look_at_bodies(connect(settings), settings)]


def test_bodies_that_the_keys_here_do_not_open_are_a_problem_for_a_worker(redis_url: str) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    encrypting = Producer(Settings.build(redis_url=redis_url, body_key=old))
    campaign = encrypting.enqueue([{"phone": 380661231231, "text": "Hi"}], sender="MyShop").campaign_id

    (_, locked) = of_bodies(redis_url, body_key=new, bsg_api_key="live_test")

    assert locked[0] is Level.PROBLEM
    assert campaign in locked[1]
    assert [level for level, _ in of_bodies(redis_url)] == [Level.NOTE, Level.NOTE]
    assert [level for level, _ in of_bodies(redis_url, body_key=f"{new},{old}")] == [Level.OK]


def test_a_batch_that_waits_is_looked_into_as_its_chunk_was(redis_url: str) -> None:
    key = Fernet.generate_key().decode()
    ledger_harness = LedgerHarness.at(redis_url)
    campaign = ledger_harness.prepared(1)
    ledger_harness.client.set(f"bsg:campaign:{campaign}:batch:0:messages", BodyCipher([key]).encrypt(b"body"))

    assert len(of_bodies(redis_url, body_key=key, bsg_api_key="live_test")) == 1
    assert len(of_bodies(redis_url, bsg_api_key="live_test")) == 2


def test_alarms_of_the_past_are_noted_and_are_no_problem_for_ever(ward: Ward) -> None:
    ward.ledger_harness.client.hset("bsg:ledger", "alarms", 2)
    assert ward.of_campaigns("alarms").level is Level.NOTE
