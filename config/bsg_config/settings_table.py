"""The table of settings, each written once. `make reference` writes .env.example and the reference from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from bsg_config import values
from bsg_config.rate import Rate
from bsg_config.setting import setting, settings_of

_DAY = 86_400.0


class Section(StrEnum):
    ACCOUNT = "BSG account"
    SPEED = "Rate limits and timeouts"
    LOST_RESPONSES = "Lost responses"
    OPT_OUTS = "Opt-outs"
    REDIS = "Redis"
    CAMPAIGNS = "Campaigns"
    WORKERS = "Workers"
    RETENTION = "Retention and encryption"
    FLOWER = "Flower"


@dataclass(frozen=True, slots=True, repr=False)
class AccountTable:
    """The settings of which a named account may have its own value."""

    bsg_api_key: str | None = setting(
        Section.ACCOUNT,
        None,
        values.optional(values.api_key),
        "The key from BSG's account page. It begins with `live_` or `test_`. Workers need it; a web app that only "
        "enqueues does not. Each further account has a name, which is written in capitals after two underscores: "
        '`BSG_API_KEY__MARKETING=live_...` is the key of `account="marketing"`. A named account may have its own value '
        'of each setting that is marked "per account", such as `BSG_RATE_LIMIT__MARKETING=1/s`. Its other '
        "values are those of the account without a name, except for the key, which accounts never share.",
    )
    bsg_base_url: str = setting(
        Section.ACCOUNT,
        "https://one-api.bsg.world",
        values.base_url,
        "The address of BSG's API. It must be https, except on a loopback address such as the sandbox's.",
    )
    bsg_auth: str = setting(
        Section.ACCOUNT,
        "bearer",
        values.one_of("bearer", "api-key"),
        "How requests are authenticated: `bearer` (API 2.0, with a token that all workers share) or `api-key` "
        "(API 1.0).",
    )
    bsg_timezone: ZoneInfo = setting(
        Section.ACCOUNT,
        "UTC",
        values.zone,
        "The time zone of times that BSG reads and writes without a zone (`start_at`, `created_at`), and of "
        "`send_between`.",
    )
    bsg_rate_limit: Rate = setting(
        Section.SPEED,
        "5/s",
        values.rate,
        "How many requests all workers together may send to create campaigns. One request carries up to 10 000 "
        "messages.",
    )
    bsg_rate_burst: int = setting(
        Section.SPEED,
        "1",
        values.whole_number(1, 1000),
        "How many such requests may follow each other at once after an idle time.",
    )
    bsg_status_rate_limit: Rate = setting(
        Section.SPEED,
        "2/s",
        values.status_rate,
        "How many requests all workers together may send to read statuses. The minimum is `6/m`.",
    )
    bsg_connect_timeout: float = setting(
        Section.SPEED,
        "5",
        values.seconds(0.05, 60),
        "How long a worker waits for a connection to BSG.",
    )
    bsg_read_timeout: float = setting(
        Section.SPEED,
        "60",
        values.seconds(0.05, 600),
        "How long a connected worker waits for BSG's response. The two timeouts together bound one whole request.",
    )
    bsg_confirm_within: float = setting(
        Section.LOST_RESPONSES,
        "120",
        values.seconds(0, _DAY),
        "How far apart two look-ups of a batch must be. A batch counts as not taken only if both find nothing.",
    )
    bsg_duplicate_window: float = setting(
        Section.LOST_RESPONSES,
        "3600",
        values.seconds(0, 30 * _DAY),
        "For how long after the first attempt BSG is trusted to reject a reference id that it has received before, as "
        "its documentation says. Within this time, a batch that two look-ups did not find is sent again automatically. "
        "After it, an operator decides (`bsg-campaigns resolve`). `0` means that an operator always decides.",
    )
    bsg_push_stoplist: bool = setting(
        Section.OPT_OUTS,
        "false",
        values.boolean,
        "`true` means that phones which are suppressed here are also added to BSG's stop list. That list then applies "
        "to everything that the account sends.",
    )


@dataclass(frozen=True, slots=True, repr=False)
class ProcessTable:
    """The other settings: a process has one value for all accounts."""

    bsg_poll_interval: float = setting(
        Section.SPEED,
        "15",
        values.seconds(0.1, 3600),
        "How often the statuses of batches that BSG is sending are read.",
    )
    bsg_stoplist_interval: float = setting(
        Section.OPT_OUTS,
        "3600",
        values.seconds(0, 30 * _DAY),
        "How often BSG's stop list for SMS is read into the suppression list. `0` means never. Reading it only adds "
        "phones to the suppression list and never removes one.",
    )
    redis_url: str | None = setting(
        Section.REDIS,
        None,
        values.optional(values.redis_url),
        "The address of Redis: `redis://user:password@host:6379/0`, `rediss://...` (TLS, verified; "
        "`?ssl_ca_certs=FILE`), `unix:///path/redis.sock?db=0`, or "
        "`sentinel://host1:26379,host2:26379/mymaster?db=0`. If it is not set, the command line starts a server of "
        "its own.",
    )
    queue_timeout: float = setting(
        Section.REDIS,
        "3",
        values.seconds(0.05, 60),
        "How long each step at Redis may take before `enqueue` gives up.",
    )
    queue_durability: str = setting(
        Section.REDIS,
        "strict",
        values.one_of("strict", "relaxed"),
        "`strict` means that `enqueue` accepts a campaign only if Redis proves that it keeps what it acknowledges. "
        "`relaxed` trusts Redis without proof.",
    )
    campaign_batch_size: int = setting(
        Section.CAMPAIGNS,
        "10000",
        values.whole_number(1, 10_000),  # guard: batch-size-limit
        "How many messages one request carries, 10 000 at most. The same text to the same phone is also looked for "
        "within this many messages.",
    )
    campaign_deadline: float = setting(
        Section.CAMPAIGNS,
        "86400",
        values.seconds(1, 90 * _DAY),
        "How long after its start a campaign may send. Messages that have not been sent by then expire. `enqueue` may "
        "set another deadline.",
    )
    worker_in_flight: int = setting(
        Section.WORKERS,
        "4",
        values.whole_number(1, 256),
        "How many requests each worker may have on the wire at once for each account.",
    )
    retry_backoff_base: float = setting(
        Section.WORKERS,
        "1",
        values.seconds(0.01, 3600),
        "The upper bound of the wait before a batch is tried a second time. The bound doubles with each attempt, up to "
        "`RETRY_BACKOFF_CAP`. The wait is random below the bound.",
    )
    retry_backoff_cap: float = setting(
        Section.WORKERS,
        "300",
        values.seconds(0.01, _DAY),
        "The longest wait before a batch is tried again.",
    )
    lease_seconds: float = setting(
        Section.WORKERS,
        "600",
        values.seconds(0.1, 3600),
        "How long a worker holds a batch before the others take the worker for dead. It must be at least three times "
        "the sum of `BSG_CONNECT_TIMEOUT` and `BSG_READ_TIMEOUT`.",
    )
    sweep_interval: float = setting(
        Section.WORKERS,
        "1",
        values.seconds(0.1, 3600),
        "How often workers look for work that is due and forgotten.",
    )
    log_format: str = setting(
        Section.WORKERS,
        "auto",
        values.one_of("auto", "json", "text"),
        "The format of what workers and beat log: `json`, `text`, or `auto` (`text` on a terminal, else `json`).",
    )
    body_key: tuple[str, ...] = setting(
        Section.RETENTION,
        "",
        values.fernet_keys,
        "Encrypts texts and phones in Redis. The value is one key, or several with commas between them: the first "
        "encrypts, and each decrypts. Web apps and workers need the same keys. To change the key, put the new one in "
        "front, and remove the old one when `BODY_RETENTION` is over. The phones of rejects and of the suppression "
        "list are not encrypted. The row `encrypted_bodies` of `make bench` measures what encryption costs.",
    )
    body_retention: float = setting(
        Section.RETENTION,
        "604800",
        values.seconds(0, 3650 * _DAY),
        "How long the texts and phones of a campaign are kept after its end.",
    )
    ledger_retention: float = setting(
        Section.RETENTION,
        "7776000",
        values.seconds(1, 3650 * _DAY),
        "How long everything else about a campaign is kept after its end, its idempotency key included.",
    )
    compact_after: float = setting(
        Section.RETENTION,
        "86400",
        values.seconds(0, 3650 * _DAY),
        "How long after its end a campaign is compacted, when `BODY_RETENTION` is over and BSG's statistics of it are "
        "final: one compressed record replaces its keys. It is read as before.",
    )
    stream_key_retention: float = setting(
        Section.RETENTION,
        "86400",
        values.seconds(60, 90 * _DAY),
        "How long the idempotency keys of a stream's messages are known at least. Web apps need this setting.",
    )
    stream_campaign_time: float = setting(
        Section.RETENTION,
        "3600",
        values.seconds(1, 7 * _DAY),
        "How long a campaign of a stream takes up messages. Its stream then begins another one. A campaign is closed, "
        "compacted and deleted as a whole. Web apps need this setting.",
    )
    delivery_reports_kept: int = setting(
        Section.RETENTION,
        "200000",
        values.whole_number(1000, 100_000_000),
        "How many of the delivery reports that BSG pushes are kept: the latest of all campaigns, at about 160 bytes "
        "each in Redis. The web apps that receive the reports need this setting.",
    )
    search_key: str | None = setting(
        Section.FLOWER,
        None,
        values.optional(values.secret),
        "With this secret of 16 to 64 characters, workers keep a digest of each phone and of each reference id of the "
        "caller, six bytes each in Redis, and Flower finds the campaigns that have a message to a phone. Without it, "
        "Flower does not find phones. Workers and Flower need the same value.",
    )
    reject_readers: tuple[str, ...] = setting(
        Section.FLOWER,
        "",
        values.names,
        "The logins, with commas between them, that may download a campaign's rejected rows in Flower: user names of "
        "`FLOWER_BASIC_AUTH`, or addresses of its other logins. The rows have phones. By default nobody may.",
    )


SETTINGS = tuple(
    sorted(
        (*settings_of(AccountTable, per_account=True), *settings_of(ProcessTable, per_account=False)),
        key=lambda one: list(Section).index(Section(one.section)),
    )
)
"""Every setting, by section."""
