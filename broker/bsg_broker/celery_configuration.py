"""The Celery configuration of workers, beat and Flower."""

from __future__ import annotations

from typing import Any

from kombu.entity import Queue

from bsg_broker.queues import DISPATCH_QUEUE, INDEX, POLL, PURGE, RECONCILE, STATUS_QUEUE, STOP_LIST, SWEEP
from bsg_broker.transport import broker_transport_options, broker_url
from bsg_config.settings import Settings

_PURGE_INTERVAL = 600.0
_INDEX_INTERVAL = 2.0
_STOP_LIST_TICK = 30.0  # a long list is read a few pages at a time
_REQUESTS_IN_A_TASK = 3
_SECONDS_FROM_SOFT_TO_HARD_LIMIT = 60.0
# Expiry compares the clocks of two machines, so it must exceed their difference. With an expiry of seconds, a worker
# whose clock is slightly ahead would drop every tick. Many ticks do no harm: each takes what is due.
_TICK_EXPIRES = 3600.0  # guard: tick-expires-late


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return the arguments of a Celery app's `conf.update`. Raise SettingsInvalid when REDIS_URL is not set."""
    # A status task reads for one account after the other.
    requests = _REQUESTS_IN_A_TASK * sum(account.max_request_seconds for account in settings.accounts_or_default)
    soft_time_limit = requests + _SECONDS_FROM_SOFT_TO_HARD_LIMIT
    return {
        "broker_url": broker_url(settings),
        "broker_transport_options": broker_transport_options(settings),
        "broker_pool_acquire_timeout": 5,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "result_backend": None,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],  # guard: json-only
        "result_accept_content": ["json"],
        "task_publish_retry_policy": {
            "max_retries": 2,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 0.2,
        },
        "timezone": "UTC",
        "enable_utc": True,
        "task_queues": [Queue(name, routing_key=name) for name in (DISPATCH_QUEUE, STATUS_QUEUE)],
        "task_create_missing_queues": False,
        "task_default_queue": STATUS_QUEUE,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_soft_time_limit": soft_time_limit,
        "task_time_limit": soft_time_limit + _SECONDS_FROM_SOFT_TO_HARD_LIMIT,
        "task_send_sent_event": False,
        "worker_send_task_events": True,
        "worker_prefetch_multiplier": 1,
        # True would kill requests to BSG on the wire whenever Redis restarts.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "beat_schedule": beat_schedule(settings),
    }


def beat_schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the ticks that beat sends.

    A tick that no worker takes within the hour is dropped, so that ticks do not accumulate.
    """
    periods = {
        POLL: settings.bsg_poll_interval,
        RECONCILE: settings.sweep_interval,
        SWEEP: settings.sweep_interval,
        PURGE: _PURGE_INTERVAL,
    }
    if settings.bsg_stoplist_interval:
        periods[STOP_LIST] = min(_STOP_LIST_TICK, settings.bsg_stoplist_interval)
    if settings.search_key is not None:
        periods[INDEX] = _INDEX_INTERVAL
    return {
        task: {
            "task": task,
            "schedule": period,
            "options": {"queue": STATUS_QUEUE, "expires": _TICK_EXPIRES},
        }
        for task, period in periods.items()
    }
