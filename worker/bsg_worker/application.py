"""The Celery application: `celery -A bsg_worker worker` and `celery -A bsg_worker beat`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import (
    after_setup_logger,
    after_setup_task_logger,
    beat_init,
    celeryd_after_setup,
    celeryd_init,
    worker_process_init,
    worker_ready,
)
from kombu.entity import Queue

from bsg_broker.celery_configuration import celery_settings
from bsg_broker.liveness import ping_queue
from bsg_broker.queues import DISPATCH_QUEUE, dispatch_queue
from bsg_broker.transport import broker_transport_options
from bsg_config.connection_names import name_connections, name_of_process
from bsg_config.settings import Settings
from bsg_worker.error_reports import begin_check_ins, begin_reporting, is_reporting
from bsg_worker.idle_passes import log_idle_passes_at_debug
from bsg_worker.logs import use_format

# Celery prefers these to its configuration. A web app's broker in the same environment must not become ours.
FOREIGN_BROKERS = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND")

for name in FOREIGN_BROKERS:
    os.environ.pop(name, None)

begin_reporting()

app = Celery("bsg_worker")
SETTINGS = Settings.from_environment()
app.conf.update(celery_settings(SETTINGS), beat_scheduler="bsg_worker.steady_beat:SteadyScheduler")


def name_process(name: str) -> None:
    """Give this process's connections to Redis its name, those of Celery too."""
    name_connections(name)
    app.conf.broker_transport_options = broker_transport_options(SETTINGS)


def _name_worker(sender: str, **_: object) -> None:
    name_process(sender)


def _begin_watch(sender: Any = None, **_: object) -> None:
    # Imported only when a worker starts: Flower and beat load this module too, and have no runtime.
    from bsg_worker.watch import begin_watch

    begin_watch(getattr(sender, "hostname", None))  # guard: every-process-watches


def _add_queues(sender: str, instance: Any, **_: Any) -> None:
    """Make the worker serve its own queue and, if it dispatches, the queues of its accounts' wake-ups."""
    queues = instance.app.amqp.queues
    names = [ping_queue(sender)]
    if DISPATCH_QUEUE in queues.consume_from:
        names += [dispatch_queue(account.name) for account in SETTINGS.accounts]
    for name in names:
        queues.select_add(Queue(name, routing_key=name))


def _begin_beat(**_: object) -> None:
    name = name_of_process("beat")
    name_process(name)
    # Imported only when beat starts: workers and Flower send no heartbeats.
    from bsg_worker.beat_heartbeat import send_heartbeats

    send_heartbeats(name)
    if is_reporting():
        begin_check_ins()


def _format_log(**_: object) -> None:
    use_format(SETTINGS.log_format)
    log_idle_passes_at_debug()


for set_up in (after_setup_logger, after_setup_task_logger):
    set_up.connect(_format_log)
celeryd_init.connect(_name_worker)
celeryd_after_setup.connect(_add_queues)
beat_init.connect(_begin_beat)
for begun in (worker_ready, worker_process_init):  # the latter in each process of a prefork pool
    begun.connect(_begin_watch)
