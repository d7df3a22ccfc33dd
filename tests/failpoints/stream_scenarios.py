"""What is going on with a stream when a process dies. The points of each are in `points.py`."""

from __future__ import annotations

from bsg_broker.wakeups import wakeup
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from tests.failpoints import programs
from tests.failpoints.processes import STATUS, WORKER
from tests.failpoints.trial import Trial

SEVERAL = 8  # some of them come while a batch with others is on its way
MANY = 120  # more than a batch has
AT_ONCE = 0.001
DEADLINE_SECONDS = 3.0


def of_a_stream(trial: Trial) -> None:
    """A web app sends one message after the other. The campaign ends soon after the last of them."""
    trial.arm()
    trial.web_app_sends(trial.new_messages(SEVERAL))


def of_a_stream_to_which_many_are_sent(trial: Trial) -> None:
    trial.arm()
    trial.web_app_sends(trial.new_messages(MANY), programs.send_many)


def of_a_stream_on_a_redis_that_has_to_be_waited_for(trial: Trial) -> None:
    """It writes to its disk once a second, so that each commit asks it to."""
    trial.trial_environment.client.config_set("appendfsync", "everysec")
    trial.cleanup.callback(trial.trial_environment.client.config_set, "appendfsync", "always")
    of_a_stream(trial)


def of_a_stream_whose_response_is_lost(trial: Trial) -> None:
    trial.trial_environment.sandbox.fault("cut_after", times=1)
    of_a_stream(trial)


def of_a_stream_that_begins_another_one(trial: Trial) -> None:
    """The time of the campaign is over, and the next message comes before the sweep."""
    processes = trial.trial_environment.processes
    first, *others = trial.new_messages()
    processes.end(STATUS)
    trial.afterwards = processes.start_status
    trial.cleanup.callback(processes.start_status)
    trial.send([first], campaign_seconds=AT_ONCE)
    trial.arm()
    trial.web_app_sends(others)


def of_a_stream_that_nobody_was_woken_for(trial: Trial) -> None:
    """The wake-up of its first message is lost."""
    trial_environment = trial.trial_environment
    trial_environment.processes.end(WORKER)
    trial.afterwards = trial_environment.processes.start_worker
    trial.cleanup.callback(trial_environment.processes.start_worker)
    trial.send(trial.new_messages())
    queue, _ = wakeup(DEFAULT_ACCOUNT)
    trial_environment.client.delete(queue)
    trial.arm()


def of_a_stream_whose_body_cannot_be_read(trial: Trial) -> None:
    """Until the crash."""
    trial_environment = trial.trial_environment
    _hold_back(trial)
    (campaign,) = trial_environment.producer.stream(trial.stream).status().campaigns
    key = f"bsg:campaign:{campaign.campaign_id}:batch:0:messages"
    body = trial_environment.client.get(key)
    trial_environment.client.set(key, b"no body")
    trial.afterwards = lambda: trial_environment.client.set(key, body)
    trial.arm()
    trial_environment.producer.open_gate()


def of_a_stream_in_which_somebody_opts_out(trial: Trial) -> None:
    trial_environment = trial.trial_environment
    _hold_back(trial)
    phone = trial.messages[0].phone
    trial_environment.producer.suppress([phone])
    trial.cleanup.callback(trial_environment.producer.unsuppress, [phone])
    trial.arm()
    trial_environment.producer.open_gate()


def of_a_stream_that_is_paused_and_resumed(trial: Trial) -> None:
    _hold_back(trial)
    trial.afterwards = trial.trial_environment.producer.open_gate
    trial.arm()
    trial.trial_environment.processes.command(programs.pause_and_resume_stream, trial.stream)


def of_a_stream_that_is_cancelled(trial: Trial) -> None:
    _hold_back(trial)
    trial.arm()
    trial.trial_environment.processes.command(programs.cancel_stream, trial.stream)


def of_a_stream_whose_deadline_passes(trial: Trial) -> None:
    trial.arm()
    _hold_back(trial, campaign_seconds=AT_ONCE, deadline=DEADLINE_SECONDS)


def _hold_back(trial: Trial, **options: float) -> None:
    """Send messages that wait, as the gate is shut."""
    trial.trial_environment.producer.shut_gate()
    trial.cleanup.callback(trial.trial_environment.producer.open_gate)
    trial.send(trial.new_messages(), **options)
