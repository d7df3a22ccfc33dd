"""The ledger's keys as one value: taken from a real Redis, compared only by what matters, and put back into one.

Times keep what they decide and nothing else: due or later, a lease alive or over, a doubt young or old. So the same
state is the same value whenever it was reached, and putting it back never waits. Event streams, and what only a reader
of the ledger sees (causes, prices, statistics, moments), are left out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import orjson

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.compacted_record import CompactedRecord
from bsg_ledger.due_indexes import unassigned
from bsg_ledger.rows import decode_rows

CAMPAIGN = "c"
ACCOUNT = "account"
UNASSIGNED = unassigned(DEFAULT_ACCOUNT)
GATE = f"bsg:account:{ACCOUNT}:gate"
CLOCK = f"bsg:account:{ACCOUNT}:dispatch"
_CLOCK = re.compile(r"bsg:account:[^:]+:dispatch")
NEW = -1_000_000_000 + 10_000  # the virtual time of new campaigns of normal priority begins here
MADE_UP_FOR = -12.0  # of what a new campaign has waited, as dispatch.lua has it
HEAD = f"bsg:campaign:{CAMPAIGN}"
RECORD = f"{HEAD}:record"
LIMIT = f"bsg:account:{ACCOUNT}:limit:submit"

Hash = dict[str, str]
SortedSet = dict[str, int]
Keys = dict[str, Any]  # Hash, SortedSet, list[str] or str
Snapshot = tuple[tuple[str, Any], ...]

DAY_MS = 86_400_000
DUE = 1
NOW_MS = int(time.time() * 1000)
LATER_MS = 30 * DAY_MS  # every delay and lease of the exploration: none of them ever runs out by itself
LATER = NOW_MS + 365 * DAY_MS
RECENT = NOW_MS - DAY_MS
TODAY = str(NOW_MS // DAY_MS + 1)  # one day ahead, so that no midnight comes during an exploration
WINDOW_MS = 20 * DAY_MS  # RECENT is well inside of it, DUE well outside

SLOT_US = 30 * DAY_MS * 1000  # between two requests, where there is a limit
SLOT_LATER = str((NOW_MS + 30 * DAY_MS) * 1000)

DOUBTS_ALLOWED = 2
SHUTS_ALLOWED = 2
LOSSES_ALLOWED = 2

DUMP = """
local found = {}
for _, key in ipairs(redis.call('KEYS', 'bsg:*')) do
  local kind = redis.call('TYPE', key)['ok']
  if kind == 'hash' then found[#found + 1] = { key, kind, redis.call('HGETALL', key) }
  elseif kind == 'zset' then found[#found + 1] = { key, kind, redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') }
  elseif kind == 'set' and (key == 'bsg:suppressed' or string.find(key, ':collected$')) then
    found[#found + 1] = { key, kind, redis.call('SMEMBERS', key) }
  elseif kind == 'list' then found[#found + 1] = { key, kind, redis.call('LRANGE', key, 0, -1) }
  elseif string.find(key, ':record$') then
    local function hex(byte) return string.format('%02x', string.byte(byte)) end
    local value = string.gsub(redis.call('GET', key), '.', hex)
    found[#found + 1] = { key, 'record', value }
  elseif kind == 'string' then found[#found + 1] = { key, kind, redis.call('GET', key) } end
end
return cjson.encode(found)
"""

RESTORE = """
redis.call('FLUSHALL')
for _, command in ipairs(cjson.decode(ARGV[1])) do
  if string.find(command[2], ':record$') then
    command[3] = string.gsub(command[3], '..', function(hex) return string.char(tonumber(hex, 16)) end)
  end
  redis.call(unpack(command))
end
"""

_UNREAD_OF_BATCH = frozenset(
    (
        *(
            "since",
            "error",
            "not_before",
            "submitted_at",
            "finished_at",
            "statistics",
            "polled_at",
            "unread_at",
            "lost_at",
        ),
        *("price", "currency", "bsg_status", "bsg_status_at", "chunk", "operator_reason"),
    )
)
_UNREAD_OF_CAMPAIGN = frozenset({"accepted_at", "bodies_forgotten_at"})
_CAMPAIGN = re.compile(r"bsg:campaign:[^:]+")
_CHUNK = re.compile(r"bsg:campaign:[^:]+:chunk:\d+")
_BATCH = re.compile(r"bsg:campaign:[^:]+:batch:\d+")
_STREAM = re.compile(r"bsg:stream:[^:]+")
_SET = re.compile(r"bsg:suppressed|bsg:campaign:[^:]+:collected")
_SCORES_THAT_MATTER = (":due", ":chunks", ":deadlines")
_READY = tuple(f"bsg:account:{ACCOUNT}:{index}" for index in ("sendable", "preparable"))


def snapshot_of(dumped: bytes) -> Snapshot:
    now = int(time.time() * 1000)
    keys = {name: value for key, kind, raw in orjson.loads(dumped) for name, value in [_read(key, kind, raw, now)]}
    if not any("gate_shuts" in value for name, value in keys.items() if _BATCH.fullmatch(name)):
        keys.get(GATE, {}).pop("by", None)  # who opened it is only asked of a batch that shut it before
    if "trial" in keys.get(GATE, {}) and not trial_runs(keys):
        del keys[GATE]["trial"]  # as if it had never been
    if sum(map(bool, map(_CAMPAIGN.fullmatch, keys))) < 2:
        _forget_virtual_time(keys)
    else:
        _compare_virtual_times(keys)
    return frozen({key: value for key, value in keys.items() if value != ""})


def _forget_virtual_time(keys: Keys) -> None:
    """One campaign needs none, whatever account it is moved to."""
    for clock in [name for name in keys if _CLOCK.fullmatch(name)]:
        del keys[clock]
    campaign = keys.get(f"bsg:campaign:{CAMPAIGN}", {})
    campaign.pop("joined", None)
    if any(CAMPAIGN in keys.get(index, {}) for index in _READY):
        campaign["pass"] = str(DUE)
    else:
        campaign.pop("pass", None)


def _compare_virtual_times(keys: Keys) -> None:
    """Only how they compare counts: the account's is 0, and new campaigns are numbered from 1."""
    clock = keys.setdefault(CLOCK, {})
    virtual = float(clock.get("virtual", 0))
    campaigns = {name.rpartition(":")[2]: value for name, value in keys.items() if _CAMPAIGN.fullmatch(name)}
    new = sorted(name for name, campaign in campaigns.items() if float(campaign.get("pass", 0)) < 0)
    new.sort(key=lambda name: float(campaigns[name]["pass"]))
    for name, campaign in campaigns.items():
        if "pass" in campaign:
            is_new = name in new
            at = NEW + new.index(name) + 1 if is_new else max(0.0, float(campaign["pass"]) - virtual)
            campaign["pass"] = f"{at:.3f}"
            for index in _READY:
                if name in keys.get(index, {}):
                    keys[index][name] = int(at)
        if "joined" in campaign:
            campaign["joined"] = f"{max(MADE_UP_FOR, float(campaign['joined']) - virtual):.3f}"
    keys[CLOCK] = {"virtual": "0.000", "joined": str(len(new)), "owed": clock.get("owed", "0")}


def frozen(keys: Keys) -> Snapshot:
    return tuple(
        (
            key,
            tuple(sorted(value.items()))
            if isinstance(value, dict)
            else tuple(value)
            if isinstance(value, list)
            else value,
        )
        for key, value in sorted(keys.items())
        if value != {}
    )


def thawed(snapshot: Snapshot) -> Keys:
    return {key: _thawed(value) for key, value in snapshot}


def _thawed(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return list(value) if isinstance(value[0], str) else dict(value)


def restoring(snapshot: Snapshot) -> bytes:
    """Return the argument of `RESTORE`: one command a key."""
    commands: list[list[str]] = []
    for key, value in snapshot:
        if key == RECORD:
            command = ["SET", key, _record_of(value).to_bytes().hex()]
        elif isinstance(value, str):
            command = ["SET", key, value]
        elif isinstance(value[0], str):
            command = ["SADD" if _SET.fullmatch(key) else "RPUSH", key, *value]
        elif isinstance(value[0][1], str):
            command = ["HSET", key, *(item for pair in value for item in pair)]
        else:
            command = ["ZADD", key, *(item for member, score in value for item in (str(score), member))]
        commands.append(command)
    return orjson.dumps(commands)


def _read(key: str, kind: str, raw: Any, now: int) -> tuple[str, Any]:
    if key == LIMIT:
        return key, SLOT_LATER if int(raw) > (now + DAY_MS) * 1000 else ""
    if kind == "record":
        return key, _compacted(bytes.fromhex(raw), now)
    if kind in ("string", "list"):
        return key, raw
    if kind == "set":
        return key, sorted(raw)
    pairs = list(zip(raw[::2], raw[1::2], strict=True))
    if kind == "zset":
        return key, {member: _score(key, int(float(score)), now) for member, score in pairs}
    return key, _fields(key, dict(pairs), now)


def _compacted(written: bytes, now: int) -> str:
    """Return a record without what does not matter, as JSON."""
    record = CompactedRecord.from_bytes(written)
    fields = {**_fields(HEAD, dict(record.fields), now), "closed_at": str(DUE)}
    batches = [_fields(f"{HEAD}:batch:0", dict(batch), now) for batch in record.batches]
    return orjson.dumps([fields, batches, record.rejects], option=orjson.OPT_SORT_KEYS).decode()


def _record_of(value: str) -> CompactedRecord:
    fields, batches, rejects = orjson.loads(value)
    return CompactedRecord(fields, batches, (), rejects)


def _due_or_later(value: int, now: int) -> int:
    return LATER if value > now else DUE


def _recent_or_old(value: int, now: int) -> int:
    return RECENT if value > now - WINDOW_MS else DUE


def _today_or_before(day: str) -> str:
    return TODAY if int(day) >= int(TODAY) - 1 else str(DUE)


def _score(key: str, score: int, now: int) -> int:
    if key.endswith(":rejects"):
        return score
    if key.startswith("bsg:campaign:") and key.endswith(_SCORES_THAT_MATTER):
        return _due_or_later(score, now)
    if key.endswith(":leases"):
        return _due_or_later(score, now)
    return DUE  # due_indexes whose members may be looked at too early at any time: that changes nothing but timing


def _fields(key: str, fields: Hash, now: int) -> Hash:
    if _BATCH.fullmatch(key):
        kept = {name: value for name, value in fields.items() if name not in _UNREAD_OF_BATCH}
        if "first_intent_at" in kept:
            kept["first_intent_at"] = str(_recent_or_old(int(kept["first_intent_at"]), now))
        if "intent_at" in kept:
            kept["intent_at"] = str(DUE)
        kept |= {name: str(DUE) for name in kept if name.startswith("unstopped:")}
        if "collects_from" in kept:
            kept["collects_from"] = str(_recent_or_old(int(kept["collects_from"]), now))
        if "deadline" in kept:
            kept["deadline"] = str(_due_or_later(int(kept["deadline"]), now))
        if "day" in kept:
            kept["day"] = _today_or_before(kept["day"])
        if "gate_shuts" in kept:
            kept["gate_shuts"] = str(min(int(kept["gate_shuts"]), SHUTS_ALLOWED))
    elif _CHUNK.fullmatch(key):
        kept = dict(fields)
    elif key == "bsg:ledger":
        kept = {name: value for name, value in fields.items() if name in {"alarms", "suppressions"}}
    elif key.endswith(":gate"):
        kept = {name: value for name, value in fields.items() if name in {"state", "reason", "doubts"}}
        kept["doubts"] = str(min(int(kept.get("doubts", 0)), DOUBTS_ALLOWED))
        if kept.get("state") == "half_open":
            kept |= {"trial": fields["trial"]} if "trial" in fields else {}
            kept |= {"by": "probe"} if fields.get("by") == "probe" else {}
        elif kept.get("state") != "shut":
            probed = {"by": "probe"} if fields.get("by") == "probe" else {}
            kept = probed | ({"doubts": kept["doubts"]} if kept["doubts"] != "0" else {})  # else as if never touched
    elif key.endswith(":stop-refusals"):
        kept = {}  # when a stop is tried again, and what its history says
    elif _CAMPAIGN.fullmatch(key):
        kept = {name: value for name, value in fields.items() if name not in _UNREAD_OF_CAMPAIGN}
        kept |= {name: str(DUE) for name in ("accepted_at", "bodies_forgotten_at") if name in fields}
        kept["deadline"] = str(_due_or_later(int(kept["deadline"]), now))
        if "collects_until" in kept:
            kept["collects_until"] = str(_due_or_later(int(kept["collects_until"]), now))
        if "held_until" in kept:
            kept["held_until"] = str(_due_or_later(int(kept["held_until"]), now))
    elif _STREAM.fullmatch(key):
        kept = {**fields, "keys_until": str(_due_or_later(int(fields["keys_until"]), now))}
        if "day" in kept:
            kept["day"] = _today_or_before(kept["day"])
    else:
        kept = dict(fields)
    if "lease_until" in kept:
        kept["lease_until"] = str(_due_or_later(int(kept["lease_until"]), now))
    return kept


def trial_runs(keys: Keys) -> bool:
    """Return whether the batch that a half-open gate has let through is still in the hands of the same worker."""
    name, _, token = keys[GATE]["trial"].partition(":")
    batch = keys.get(f"bsg:campaign:{CAMPAIGN}:batch:{name.rpartition('-')[2]}", {})
    return bool(batch.get("state") == "posting") and batch.get("token") == token


class Picture:
    """A snapshot to be asked: what the actors of the exploration and its rules want to know of the ledger."""

    def __init__(self, snapshot: Snapshot) -> None:
        keys = thawed(snapshot)
        self.keys: Mapping[str, Any] = keys
        head = HEAD
        self.compacted = RECORD in keys
        self.campaign: Hash = keys.get(head, {})
        self.batches: list[Hash] = [keys[f"{head}:batch:{n}"] for n in range(int(self.campaign.get("next_batch", 0)))]
        self.rejects: SortedSet = keys.get(f"{head}:rejects", {})
        if self.compacted:
            record = _record_of(keys[RECORD])
            self.campaign, self.batches = dict(record.fields), list(map(dict, record.batches))
            self.rejects = {reject["row"]: int(reject["index"]) for reject in record.rejects}
        self.account = self.campaign.get("account") or UNASSIGNED
        self.chunks: list[Hash] = [keys[f"{head}:chunk:{n}"] for n in range(int(self.campaign.get("chunks", 0)))]
        self.states = tuple(batch["state"] for batch in self.batches)
        self.tokens = tuple(batch.get("token", "") for batch in self.batches)
        self.attempts = tuple(0 if self.compacted else int(batch.get("attempts", 0)) for batch in self.batches)
        self.doubts = tuple(batch.get("doubt") == "1" for batch in self.batches)
        self.messages: list[tuple[int, ...]] = [tuple(decode_rows(batch.get("rows", ""))) for batch in self.batches]
        self.bodies: list[str | None] = [keys.get(f"{head}:batch:{n}:messages") for n in range(len(self.batches))]
        self.due: SortedSet = keys.get(f"{head}:due", {})
        leases: SortedSet = keys.get(f"bsg:account:{ACCOUNT}:leases", {})
        self.leases = {int(member.rpartition("-")[2]): score for member, score in leases.items()}
        self.slot_free = LIMIT not in keys
        self.chunks_due: SortedSet = keys.get(f"{head}:chunks", {})
        # What is committed and still to be added, three elements each: of a batch, or of a reject.
        self.staged: list[list[str]] = [keys.get(f"{head}:chunk:{n}:staged", []) for n in range(len(self.chunks))]
        self.committed: SortedSet = keys.get(f"{head}:committed", {})
        self.sizes: list[str] = keys.get(f"{head}:sizes", [])  # of the chunks that have to be added yet
        self.has_steps_left = bool(
            {"stop_from", "retry_from", "carry_from"} & set(self.campaign)
            or self.committed
            or self.sizes
            or f"{head}:left" in keys
        )
        self.rejected = frozenset(self.rejects.values())
        self.gate: Hash = keys.get(GATE, {})
        self.gate_shut = self.gate.get("state") == "shut"
        self.gate_half_open = self.gate.get("state") == "half_open"
        self.trial = self.gate.get("trial", "")  # the batch and the token that it has let through, while that runs
        self.owners: Hash = keys.get(f"bsg:account:{ACCOUNT}:owners", {})
        self.former = self.campaign.get("carry_account", "new")  # the account of the other key
        self.former_owners: Hash = keys.get(f"bsg:account:{self.former}:owners", {})
        self.stops: SortedSet = keys.get(f"bsg:account:{ACCOUNT}:stops", {})
        self.paused = self.campaign.get("paused") == "1"
        self.cancelled = self.campaign.get("cancelled") == "1"
        self.deadline_passed = int(self.campaign.get("deadline", LATER)) == DUE
        self.alarms = int(keys.get("bsg:ledger", {}).get("alarms", 0))

    def is_carried(self, batch: int) -> bool:
        """Return whether the indexes of the campaign's account have all of the batch: of a move nothing is left."""
        return batch < int(self.campaign.get("carry_from", len(self.batches)))

    def due_index(self, name: str, account: str = ACCOUNT) -> SortedSet:
        index: SortedSet = self.keys.get(f"bsg:account:{account}:{name}", {})
        return index

    def index(self, name: str) -> SortedSet:
        index: SortedSet = self.keys.get(f"bsg:{name}", {})
        return index

    def count(self, name: str) -> int:
        return int(self.campaign.get(name, 0))
