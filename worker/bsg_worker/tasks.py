"""The Celery tasks. Each calls one verb, and Flower shows its short outcome."""

from __future__ import annotations

from bsg_ledger.heartbeats import Heartbeats
from bsg_worker import accounts
from bsg_worker.application import app
from bsg_worker.failures import without_contents
from bsg_worker.status_pass import poll_all, run_status_pass
from bsg_worker.submit.dispatch import dispatch_work
from bsg_worker.upkeep.message_index import index_messages
from bsg_worker.upkeep.purge import purge
from bsg_worker.upkeep.stop_list import sync_stop_list
from bsg_worker.upkeep.sweep import sweep

MAX_OUTCOME = 8192  # characters: an outcome names every batch, and Flower searches it


@app.task(name="bsg.dispatch", resultrepr_maxsize=MAX_OUTCOME)
@without_contents
def dispatch_task(account_name: str) -> str:
    return dispatch_work(accounts.current().of_name(account_name))


@app.task(name="bsg.poll")
@without_contents
def poll_task() -> str:
    return poll_all(accounts.current())


@app.task(name="bsg.reconcile")
@without_contents
def reconcile_task() -> str:
    return run_status_pass(accounts.current())


@app.task(name="bsg.sweep")
@without_contents
def sweep_task() -> str:
    return accounts.current().each(sweep)


@app.task(name="bsg.purge")
@without_contents
def purge_task() -> str:
    return purge(accounts.current().first)


@app.task(name="bsg.stoplist")
@without_contents
def stop_list_task() -> str:
    return accounts.current().each(sync_stop_list)


@app.task(name="bsg.index")
@without_contents
def index_task() -> str:
    return index_messages(accounts.current().first)


@app.task(name="bsg.ping")
@without_contents
def ping_task(token: str) -> str:
    Heartbeats(accounts.current().first.redis).note_response(token)
    return "alive"
