"""Every moment between two effects at which this very process may die, by name: for tests that make it die there."""

from __future__ import annotations

import os
import signal
from enum import StrEnum
from pathlib import Path

ENVIRONMENT = "BSG_CRASH_AT"


class CrashPoint(StrEnum):
    """MODULE: MOMENT. Each stands at one place of the code, `reached(CrashPoint.…)`, behind one effect."""

    ENQUEUE_PART_STORED = "enqueue: part stored"
    ENQUEUE_PARTS_RENEWED = "enqueue: parts renewed"
    ENQUEUE_BEFORE_THE_COMMIT = "enqueue: before the commit"
    ENQUEUE_ANSWER_LOST = "enqueue: answer lost"
    ENQUEUE_COMMITTED = "enqueue: committed"
    ENQUEUE_PARTS_DROPPED = "enqueue: parts dropped"
    ENQUEUE_SETTLED = "enqueue: settled on disk"

    # Whatever a person says (resume, retry, resolve) is one transition, and then bells.
    PRODUCER_WORD_RECORDED = "producer: word recorded"
    PRODUCER_BELLS_NOTED = "producer: bells noted"
    PRODUCER_PREPARE_RUNG = "producer: prepare rung"
    PRODUCER_SUBMIT_RUNG = "producer: submit rung"

    PREPARE_PART_LEASED = "prepare: part leased"
    PREPARE_PART_CHECKED = "prepare: part checked"
    PREPARE_RESULT_REFUSED = "prepare: result refused by Redis"
    PREPARE_PART_COMMITTED = "prepare: part committed"
    PREPARE_RUNG = "prepare: rung"

    DOORBELLS_NOTED = "doorbells: noted"
    DOORBELLS_RUNG = "doorbells: rung"

    SUBMIT_CLAIMED = "submit: claimed"
    SUBMIT_SUPPRESSED = "submit: suppressed rows taken out"
    SUBMIT_PERMIT_IN_HAND = "submit: permit in hand"
    SUBMIT_ACCESS_STANDS = "submit: access stands"
    SUBMIT_SLOT_IN_HAND = "submit: slot in hand"
    SUBMIT_SLOT_WAITED_OUT = "submit: slot waited out"
    SUBMIT_INTENT_WRITTEN = "submit: intent written"
    SUBMIT_INTENT_ON_DISK = "submit: intent on disk"
    SUBMIT_ANOTHER_SLOT_IN_HAND = "submit: another slot in hand"
    SUBMIT_ANSWERED = "submit: answered"
    SUBMIT_REDIS_AWAY = "submit: Redis was away"
    SUBMIT_RECORDED = "submit: recorded"
    SUBMIT_GIVEN_BACK = "submit: given back"
    SUBMIT_NOT_WITHDRAWN = "submit: was not posting"
    SUBMIT_BEFORE_THE_BELL = "submit: before the bell"

    RECORDING_COOLED_DOWN = "recording: account cooled down"
    RECORDING_TAKEN = "recording: taken"

    CLIENT_ACCESS_REFUSED = "client: access refused"
    CLIENT_ACCESS_RENEWED = "client: access renewed"
    TOKENS_LOGIN_BEGUN = "tokens: login begun"
    TOKENS_LOGIN_FAILED = "tokens: login failed"
    TOKENS_LOGGED_IN = "tokens: logged in"
    REQUEST_SLOT_IN_HAND = "request: slot in hand"

    RECONCILE_DUE_TAKEN = "reconcile: due taken"
    RECONCILE_LOOKED = "reconcile: looked"
    RECONCILE_RECORDED = "reconcile: recorded"
    TURNS_FAILURE_OBEYED = "turns: failure obeyed"

    POLL_DUE_TAKEN = "poll: due taken"
    POLL_READ = "poll: read"
    POLL_RECORDED = "poll: recorded"
    POLL_UNREAD = "poll: unread"
    DROPPED_MISSED = "dropped: missed"
    DROPPED_EARLIER_RECORDED = "dropped: earlier campaign recorded"
    DROPPED_REJECTED = "dropped: rejected"

    SWEEP_LEASES_TAKEN_BACK = "sweep: leases taken back"
    SWEEP_DEADLINES_TAKEN = "sweep: deadlines taken"
    SWEEP_EXPIRED = "sweep: expired"
    SWEEP_PREPARES_TAKEN = "sweep: prepares taken"
    SWEEP_PREPARE_RUNG = "sweep: prepare rung"
    SWEEP_DUE_TAKEN = "sweep: due taken"

    STOPS_TAKEN = "stops: taken"
    STOPS_ANSWERED = "stops: answered"
    STOPS_PUT_OFF = "stops: put off"
    STOPS_DENIED = "stops: denied"
    STOPS_RECORDED = "stops: recorded"

    PROBE_TAKEN = "probe: taken"
    PROBE_ANSWERED = "probe: answered"
    PROBE_RECORDED = "probe: recorded"

    STOPLIST_PAGE_READ = "stoplist: page read"
    STOPLIST_PAGE_RECORDED = "stoplist: page recorded"
    STOPLIST_ATTACHED = "stoplist: attached"
    STOPLIST_ATTACH_RECORDED = "stoplist: attach recorded"

    PURGE_CAMPAIGN_FORGOTTEN = "purge: campaign forgotten"
    PURGE_BODIES_FORGOTTEN = "purge: bodies forgotten"

    WATCH_LOOKED = "watch: looked"

    REKEY_LEASES_TAKEN_BACK = "rekey: leases taken back"
    REKEY_INHERITED = "rekey: BSG campaigns inherited"
    REKEY_MOVED = "rekey: campaign moved"
    REKEY_FORGOTTEN = "rekey: key forgotten"

    ADOPT_GATE_SHUT = "adopt: gate shut"
    ADOPT_PART_LEASED = "adopt: part leased"
    ADOPT_PART_PREPARED = "adopt: part prepared"
    ADOPT_LEASES_TAKEN_BACK = "adopt: leases taken back"
    ADOPT_LOOKED = "adopt: looked"
    ADOPT_FOUND = "adopt: found"
    ADOPT_MISTRUSTED = "adopt: mistrusted"
    ADOPT_ALL_LOOKED_UP = "adopt: all looked up"
    ADOPT_GATE_OPENED = "adopt: gate opened"
    ADOPT_LATE_FOUND = "adopt: late found"


def reached(point: CrashPoint) -> None:
    """Does nothing, unless BSG_CRASH_AT names a directory with a file of the point's name in it.

    Then the first process to come by takes the file away and dies by SIGKILL: the next one passes.
    """
    directory = os.environ.get(ENVIRONMENT)
    if directory is None:
        return
    try:
        Path(directory, point).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
