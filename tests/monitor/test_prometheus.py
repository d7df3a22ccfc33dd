"""A real Prometheus reads a real Flower: alert rules fire when they should, the dashboard gets its data."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from tests.monitor.flower_process import FlowerProcess
from tests.monitor.test_metrics import ALERTS, DASHBOARD, SHIPPED
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment
from tests.servers import free_port

pytestmark = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="no prometheus on PATH (Debian: apt-get install prometheus)",
)

CONFIGURATION = SHIPPED / "prometheus" / "prometheus.yml"


class Prometheus:
    """As it is shipped, but for the address of Flower and the interval."""

    def __init__(self, directory: Path, flower: FlowerProcess) -> None:
        configuration = yaml.safe_load(CONFIGURATION.read_text())
        configuration["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
        configuration["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{flower.port}"]
        (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        shutil.copy(ALERTS, directory)
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = directory / "prometheus.log"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *("prometheus", f"--config.file={directory / 'prometheus.yml'}"),
                    *(f"--storage.tsdb.path={directory / 'data'}", f"--web.listen-address={self.url[7:]}"),
                ],
                cwd=directory,
                stdout=output,
                stderr=output,
            )

    def ask(self, question: str) -> list[dict[str, Any]]:
        """Return the samples that a query in PromQL returns, now."""
        return list(self._get("query", query=question)["result"])

    def rules(self) -> dict[str, str]:
        """Return the state of each alert rule by its name."""
        return {rule["name"]: rule["state"] for group in self._get("rules")["groups"] for rule in group["rules"]}

    def wait_for(self, question: str) -> None:
        def responds() -> bool:
            try:
                return bool(self.ask(question))
            except OSError:
                assert self.process.poll() is None, self._log.read_text()
                return False

        wait_until(responds, within=30, what=f"a response to {question}")

    def _get(self, path: str, **words: str) -> dict[str, Any]:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(words)}", timeout=5) as response:
            document = json.load(response)
        assert document["status"] == "success", document
        return dict(document["data"])


@pytest.fixture(scope="module")
def prometheus(flower: FlowerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    prometheus = Prometheus(tmp_path_factory.mktemp("prometheus"), flower)
    try:
        prometheus.wait_for("bsg_ledger_up == 1")
        yield prometheus
    finally:
        prometheus.process.terminate()
        prometheus.process.wait(15)


def test_every_question_of_the_dashboard_has_data_once_a_campaign_and_a_message_were_sent(
    prometheus: Prometheus, scenario: ScenarioEnvironment
) -> None:
    codes = scenario.producer.stream("codes", sender="MyShop")
    codes.send({"phone": 380_661_231_231, "text": "Your code: 1"})
    scenario.wait_for(scenario.send(30), "done")
    prometheus.wait_for("rate(bsg_post_seconds_count[5m]) > 0")
    prometheus.wait_for("rate(bsg_stream_accepted_total[5m])")

    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            assert prometheus.ask(target["expr"]), target["expr"]


def test_a_shut_gate_is_an_alert_and_an_open_one_is_none(prometheus: Prometheus, scenario: ScenarioEnvironment) -> None:
    wait_until(lambda: prometheus.rules()["GateShut"] == "inactive", within=10, what="no alert")
    scenario.producer.shut_gate()
    try:
        wait_until(lambda: prometheus.rules()["GateShut"] == "pending", within=10, what="the alert")
    finally:
        scenario.producer.open_gate()
    wait_until(lambda: prometheus.rules()["GateShut"] == "inactive", within=10, what="no alert")


def test_what_waits_behind_a_shut_gate_is_no_alert_of_its_own_and_names_the_account(tmp_path: Path) -> None:
    """The rules against a made-up history, by Prometheus's own tool."""
    hour = "x240"
    series = {
        'bsg_gate_open{account="default"}': f"1{hour}",
        'bsg_gate_open{account="marketing"}': f"0{hour}",
        'bsg_oldest_due_seconds{account="default"}': f"400{hour}",
        'bsg_oldest_due_seconds{account="marketing"}': f"400{hour}",
        'bsg_oldest_due_seconds{account="marketng"}': f"400{hour}",
        'bsg_cooling_seconds{account="marketing"}': f"9{hour}",
        'bsg_submissions_total{account="default",outcome="taken"}': "0+9x240",
        'bsg_submissions_total{account="marketing",outcome="taken"}': "0+1x240",
        'bsg_submissions_total{account="marketing",outcome="in_doubt"}': "0+5x240",
        'bsg_batches_need_operator{account="default"}': f"0{hour}",
        'bsg_batches_need_operator{account="marketing"}': f"2{hour}",
        'bsg_batches_at_bsg{account="default",status="moderation"}': f"2{hour}",
        'bsg_batches_at_bsg{account="marketing",status="paused"}': f"2{hour}",
        'bsg_batches_at_bsg{account="marketing",status="spam"}': f"2{hour}",
        'bsg_longest_moderation_seconds{account="default"}': f"3600{hour}",
        'bsg_longest_moderation_seconds{account="marketing"}': f"4000{hour}",
        'bsg_funds{account="default"}': f"10{hour}",
        'bsg_queued_cost{account="default"}': f"10{hour}",
        'bsg_funds{account="marketing"}': f"10{hour}",
        'bsg_queued_cost{account="marketing"}': f"11{hour}",
        'bsg_stops_waiting{account="default"}': "0x200 2x40",  # BSG may take a while
        'bsg_stops_waiting{account="marketing"}': f"2{hour}",
        'bsg_campaigns_waiting{account="default",reason="no_worker"}': f"1{hour}",
        'bsg_campaigns_waiting{account="default",reason="paused"}': f"1{hour}",
        'bsg_failed_requests_total{account="default",kind="error"}': f"7{hour}",
        "bsg_alarms_total": "0x120 1x120",
        "bsg_ledger_up": f"1{hour}",
    }
    fired = {
        "GateShut": ["marketing"],
        "BatchesWait": ["default", "marketng"],
        "AccountCoolsDown": ["marketing"],
        "BSGDoesNotTakeCampaigns": ["marketing"],
        "NoWorkerTakesCampaigns": ["default"],
        "CampaignsWaitForSomebody": [],
        "BSGFailsRequests": [],
        "BatchesInDoubt": [],
        "BatchesNeedAnOperator": ["marketing"],
        "StopsNotObeyed": ["marketing"],
        "PausedAtBSG": ["marketing"],
        "SpamAtBSG": ["marketing"],
        "LongInModeration": ["marketing"],
        "FundsRunShort": ["marketing"],
        "LedgerCannotBeRead": [],
        "FlowerIsAway": [],
    }
    rules = {rule["alert"]: rule for rule in yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]}
    described = {
        (name, account): {
            "exp_labels": {"severity": rules[name]["labels"]["severity"], "account": account},
            "exp_annotations": {
                key: text.replace("{{ $labels.account }}", account)
                .replace("{{ $value | humanizeDuration }}", "1h 6m 40s" if name == "LongInModeration" else "6m 40s")
                .replace("{{ $value }}", "2")
                for key, text in rules[name]["annotations"].items()
            },
        }
        for name, accounts in fired.items()
        for account in accounts
    }
    document = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {
                        "eval_time": "59m",
                        "alertname": name,
                        "exp_alerts": [described[name, account] for account in accounts],
                    }
                    for name, accounts in fired.items()
                ],
            }
        ],
    }
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(document))

    run = subprocess.run(["promtool", "test", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout + run.stderr
    assert fired.keys() | {"SomethingThatMustNotBe"} == rules.keys()


def test_the_shipped_configuration_is_sound() -> None:
    run = subprocess.run(
        ["promtool", "check", "config", CONFIGURATION.name], cwd=CONFIGURATION.parent, capture_output=True, text=True
    )

    assert run.returncode == 0, run.stdout + run.stderr
