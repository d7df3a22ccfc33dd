"""A batch's transitions. Each is one atomic step, guarded by state and token, and safe to repeat.

Each returns the batch's current state, or `STALE` if another caller holds the batch and nothing was changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bsg_ledger.batch_id import BatchId
from bsg_ledger.rows import encode_rows
from bsg_ledger.scripts import Scripts, text_of
from bsg_ledger.work import Send

STALE = "stale"
RejectRow = tuple[int, str]


class Batches:
    def __init__(self, scripts: Scripts, *, next_look_ms: int) -> None:
        self._scripts = scripts
        self._next_look_ms = next_look_ms

    def _run(self, name: str, batch: BatchId, *arguments: str | bytes | int) -> str:
        return text_of(self._scripts.run(name, *batch.parts, *arguments)[0])

    def not_taken(self, lease: Send, *, delay_ms: int, cause: str, unanswered: bool = False) -> str:
        """Record that BSG has not taken this attempt. The batch waits, or is in doubt if an earlier attempt is.

        `unanswered`: BSG did not respond to a request. If this was the trial of a half-open gate, the gate shuts again.
        """
        return self._run(
            "not_taken",
            lease.batch,
            lease.token,
            delay_ms,
            cause,
            "",
            "",
            0,
            self._next_look_ms,
            int(unanswered),
        )

    def account_closed(self, lease: Send, *, account: str, reason: str, cause: str, shuts_allowed: int) -> str:
        """Shut the account's gate. Refuse a batch that shuts it the `shuts_allowed`th time after probes (0: never)."""
        return self._run(
            "not_taken", lease.batch, lease.token, 0, cause, account, reason, shuts_allowed,
            self._next_look_ms, 0,
        )  # fmt: skip

    def doubtful(
        self,
        lease: Send,
        *,
        account: str,
        cause: str,
        doubts_allowed: int | None,
        suspects: Sequence[int] | None = None,
    ) -> str:
        """Record an outcome in doubt. `doubts_allowed` of them in a row shut the gate. None: this one does not count.

        `suspects`: the rows whose reference ids BSG knows, which is why it refused. Empty: it did not name them.
        """
        named = "" if suspects is None else ",".join(map(str, suspects)) or "-"
        return self._run(
            "doubtful",
            lease.batch,
            lease.token,
            account,
            cause,
            self._next_look_ms,
            doubts_allowed or 0,
            named,
        )

    def refused(self, lease: Send, *, cause: str) -> str:
        """Record a permanent refusal. The batch is in doubt if an earlier attempt is."""
        return self._run("refused", lease.batch, lease.token, cause, self._next_look_ms)

    def rows_refused(
        self, lease: Send, *, cause: str, rest: bytes, rest_rows: Sequence[int],
        rejects: Sequence[RejectRow],
    ) -> str:  # fmt: skip
        """Record that BSG named rows and took nothing. The rows become rejects, and the rest waits to be sent again."""
        return self._run(
            "rows_rejected", lease.batch, lease.token, cause, self._next_look_ms, rest,
            encode_rows(rest_rows), *(item for row in rejects for item in row),
        )  # fmt: skip

    def taken(
        self, batch: BatchId, *, account: str, bsg_campaign_id: int, bsg_status: str, next_poll_ms: int,
        cause: str, price: str = "", currency: str = "", token: str = "", others: Sequence[int] = (),
    ) -> str:  # fmt: skip
        """Record that BSG has the batch, in any state. Return `submitted`, `known`, `second` (an alarm) or `owned`.

        `token` is that of the attempt whose response named the campaign; "" if a look-up or an operator names it. Only
        such a response ends a series of doubts, and opens a half-open gate if the attempt was its trial.

        `others` are further BSG campaigns of the batch, if it was sent more than once. They are recorded in the same
        step.

        Return `gone` if the ledger does not know the batch, because it was purged or the ledger went back to an older
        copy. That is an alarm. BSG is not asked to stop the campaign, as its messages may have been accepted; `audit`
        names it.
        """
        return self._run(
            "taken",
            batch,
            account,
            bsg_campaign_id,
            bsg_status,
            next_poll_ms,
            cause,
            price,
            currency,
            token,
            *others,
        )

    def taken_earlier(
        self, batch: BatchId, *, account: str, counted: int, counts: int, bsg_status: str,
        next_poll_ms: int, others: Mapping[int, bool],
    ) -> str:  # fmt: skip
        """Record campaigns of earlier attempts. Return `recorded` (an alarm), `known`, `owned` or `stale`.

        `counted` is the campaign that counts now, `counts` the one that counts from now on. `others` are the batch's
        other campaigns, with True if the one that counts has all of their messages. Those are stopped.
        """
        return self._run(
            "taken_earlier", batch, account, counted, counts, bsg_status, next_poll_ms,
            *(item for other, repeats in others.items() for item in (other, int(repeats))),
        )  # fmt: skip

    def take_back(self, account: str) -> list[BatchId]:
        """End all expired leases, in steps. Return the ids of their batches."""
        taken_back = list[BatchId]()
        while True:
            step = self._scripts.run("take_back", account, self._scripts.batches_a_step)
            taken_back += [BatchId(text_of(item)) for item in step]
            if len(step) < self._scripts.batches_a_step:
                return taken_back

    def absent(
        self, batch: BatchId, *, attempts: int, duplicate_window_ms: int, delay_ms: int,
        look_again_ms: int, cause: str, sure: bool = True,
    ) -> str:  # fmt: skip
        """Record that BSG does not have the batch. Return `pending` within the duplicate window, else `needs_operator`.

        `sure`: BSG would show the batch if it had it.
        """
        return self._run("absent", batch, attempts, duplicate_window_ms, delay_ms, look_again_ms, cause, int(sure))

    def ask_operator(self, batch: BatchId, *, attempts: int, older_than_ms: int, cause: str) -> str:
        """Record that BSG's traces do not decide the doubt. Return `needs_operator` once the doubt is that old."""
        return self._run("ask_operator", batch, attempts, older_than_ms, cause)

    def mark_in_doubt(self, batch: BatchId, *, attempts: int, account: str, cause: str) -> str:
        """Put a waiting batch in doubt: BSG has a trace of it, although this ledger never sent it."""
        return self._run("mark_in_doubt", batch, attempts, account, cause, self._next_look_ms)

    def shrink(
        self, batch: BatchId, *, state: str, size: int, rest: bytes, rest_rows: Sequence[int],
        cause: str, rejects: Sequence[RejectRow],
    ) -> str:  # fmt: skip
        """Make messages of a batch rejects without changing its state. An empty `rest` keeps the body."""
        return self._run(
            "shrink", batch, state, size, rest, encode_rows(rest_rows), cause,
            *(item for row in rejects for item in row),
        )  # fmt: skip

    def polled(
        self, batch: BatchId, *, status: str, final: bool, statistics: str, price: str, currency: str,
        total_messages: int | None, next_poll_ms: int | None,
    ) -> str:  # fmt: skip
        """Record the batch's status at BSG. `next_poll_ms` of None ends the polling."""
        return self._run(
            "polled", batch, status, int(final), statistics, price, currency,
            "" if total_messages is None else total_messages, -1 if next_poll_ms is None else next_poll_ms,
        )  # fmt: skip

    def unread(
        self, batch: BatchId, *, bsg_campaign_id: int, lost: bool, longer_than_ms: int, cause: str,
        next_poll_ms: int,
    ) -> str:  # fmt: skip
        """Record that BSG's response about the campaign is unusable, or that BSG does not know it (`lost`).

        Return `needs_operator` once that has lasted for `longer_than_ms`.
        """
        return self._run(
            "unread", batch, bsg_campaign_id, "lost" if lost else "unread", longer_than_ms, cause,
            next_poll_ms,
        )  # fmt: skip

    def resolve_not_sent(self, batch: BatchId, *, shown_attempts: int | None = None) -> str:
        """Record an operator's decision that BSG never sent it. Return the state, `stale` if no operator is needed.

        `shown_attempts`: the attempts that the operator was shown, for one batch of many. Then return `stale` too if
        the batch was tried since, or if BSG has any trace of it.
        """
        return self._run("resolve_not_sent", batch, "" if shown_attempts is None else shown_attempts)

    def resolve_sent(self, batch: BatchId, *, bsg_campaign_id: int, next_poll_ms: int) -> str:
        """Record an operator's decision that BSG sent a campaign that it no longer knows.

        Return `finished` or `stale`.
        """
        return self._run("resolve_sent", batch, bsg_campaign_id, next_poll_ms)

    def stopped(self, account: str, bsg_campaign_id: int, *, status: str) -> str:
        """Record that BSG reports this final status, which ends the stop."""
        return text_of(self._scripts.run("stopped", account, bsg_campaign_id, status)[0])

    def stop_refused(self, account: str, bsg_campaign_id: int, *, status: str, delay_ms: int) -> str:
        """Postpone a stop by `delay_ms` or longer, because BSG did not stop the campaign, and reports this status."""
        return text_of(self._scripts.run("stop_refused", account, bsg_campaign_id, status, delay_ms)[0])

    def stop_denied(self, account: str, bsg_campaign_id: int, *, older_than_ms: int, delay_ms: int, cause: str) -> str:
        """Postpone a stop of a campaign that BSG does not know. Return `given_up` (an alarm) after `older_than_ms`."""
        reply = self._scripts.run("stop_denied", account, bsg_campaign_id, older_than_ms, delay_ms, cause)
        return text_of(reply[0])
