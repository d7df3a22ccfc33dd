"""A batch's transitions. Each is one atomic step, guarded by state and token, and safe to repeat.

Every reply is the state that the batch has now, or `STALE`: somebody else holds it, and nothing was changed.
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
        """This attempt was surely not taken; the batch waits, or is in doubt if an earlier attempt is.

        `unanswered`: BSG was asked and did not respond. If this was the trial of a half-open gate, that shuts it again.
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
        """Shut the account's gate; refuses the batch at its `shuts_allowed`th time (0: never) if a probe opened it."""
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
        """Neither yes nor no; `doubts_allowed` of them in a row shut the account's gate. None: this one does not count.

        `suspects`: BSG said no for reference ids that it knows, in those rows (empty: it did not name them).
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
        """Return a clear no for good, or doubt if an earlier attempt is in doubt."""
        return self._run("refused", lease.batch, lease.token, cause, self._next_look_ms)

    def rows_refused(
        self, lease: Send, *, cause: str, rest: bytes, rest_rows: Sequence[int],
        rejects: Sequence[RejectRow],
    ) -> str:  # fmt: skip
        """BSG named rows and took nothing: those are rejects, the rest waits to be sent again."""
        return self._run(
            "rows_rejected", lease.batch, lease.token, cause, self._next_look_ms, rest,
            encode_rows(rest_rows), *(item for row in rejects for item in row),
        )  # fmt: skip

    def taken(
        self, batch: BatchId, *, account: str, bsg_campaign_id: int, bsg_status: str, next_poll_ms: int,
        cause: str, price: str = "", currency: str = "", token: str = "", others: Sequence[int] = (),
    ) -> str:  # fmt: skip
        """BSG has it, whoever says so and whatever the state: `submitted`, `known`, `second` (an alarm) or `owned`.

        `token` is that of the attempt whose response named it; "" if a look-up or an operator does. Only such a
        response ends a row of doubts, and opens a half-open gate whole if the attempt was its trial.

        `others` are further BSG campaigns of the same batch, if it was sent more than once: recorded in the same step.

        `gone`: the ledger does not know the batch, being purged or gone back to an older copy. An alarm, and no stop:
        what was accepted may be what BSG is sending there, and `audit` names it.
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
        """BSG has campaigns of earlier attempts too: `recorded` with an alarm, `known`, `owned` or `stale`.

        `counted` is the campaign that counts now, `counts` the one that counts from now on. `others` are all others of
        the batch, True for those whose messages the one that counts has too: these are stopped.
        """
        return self._run(
            "taken_earlier", batch, account, counted, counts, bsg_status, next_poll_ms,
            *(item for other, repeats in others.items() for item in (other, int(repeats))),
        )  # fmt: skip

    def take_back(self, account: str, *, at_most: int) -> list[BatchId]:
        """End the leases that ran out; return the ids of their batches."""
        return [BatchId(text_of(item)) for item in self._scripts.run("take_back", account, at_most)]

    def absent(
        self, batch: BatchId, *, attempts: int, duplicate_window_ms: int, delay_ms: int,
        look_again_ms: int, cause: str, sure: bool = True,
    ) -> str:  # fmt: skip
        """BSG does not have it: `pending` within the duplicate window, `needs_operator` after it.

        `sure`: BSG would show it if it had it.
        """
        return self._run("absent", batch, attempts, duplicate_window_ms, delay_ms, look_again_ms, cause, int(sure))

    def ask_operator(self, batch: BatchId, *, attempts: int, older_than_ms: int, cause: str) -> str:
        """Return a trace that fits neither yes nor no: `needs_operator` once the doubt is that old."""
        return self._run("ask_operator", batch, attempts, older_than_ms, cause)

    def mark_in_doubt(self, batch: BatchId, *, attempts: int, account: str, cause: str) -> str:
        """Put a waiting batch in doubt: BSG has a trace of it, though this ledger never sent it."""
        return self._run("mark_in_doubt", batch, attempts, account, cause, self._next_look_ms)

    def shrink(
        self, batch: BatchId, *, state: str, size: int, rest: bytes, rest_rows: Sequence[int],
        cause: str, rejects: Sequence[RejectRow],
    ) -> str:  # fmt: skip
        """Turn messages of a batch into rejects while it stays in its state; `rest` of b"" keeps the body."""
        return self._run(
            "shrink", batch, state, size, rest, encode_rows(rest_rows), cause,
            *(item for row in rejects for item in row),
        )  # fmt: skip

    def polled(
        self, batch: BatchId, *, status: str, final: bool, statistics: str, price: str, currency: str,
        total_messages: int | None, next_poll_ms: int | None,
    ) -> str:  # fmt: skip
        """Return what BSG says of it now; `next_poll_ms` None ends the polling."""
        return self._run(
            "polled", batch, status, int(final), statistics, price, currency,
            "" if total_messages is None else total_messages, -1 if next_poll_ms is None else next_poll_ms,
        )  # fmt: skip

    def unread(
        self, batch: BatchId, *, bsg_campaign_id: int, lost: bool, longer_than_ms: int, cause: str,
        next_poll_ms: int,
    ) -> str:  # fmt: skip
        """BSG says nothing of use about the campaign, or that there is none (`lost`).

        `needs_operator`: that has lasted for so long.
        """
        return self._run(
            "unread", batch, bsg_campaign_id, "lost" if lost else "unread", longer_than_ms, cause,
            next_poll_ms,
        )  # fmt: skip

    def resolve_not_sent(self, batch: BatchId, *, shown_attempts: int | None = None) -> str:
        """Return an operator's decision that BSG never sent it. Return the state, `stale` if no operator is needed for
        that.

        `shown_attempts`: one of many, as the operator was shown it. `stale` too if it was tried since, or if BSG has
        any trace of it.
        """
        return self._run("resolve_not_sent", batch, "" if shown_attempts is None else shown_attempts)

    def resolve_sent(self, batch: BatchId, *, bsg_campaign_id: int, next_poll_ms: int) -> str:
        """Record an operator's decision that BSG has sent what it does not know any more. Return `finished` or
        `stale`."""
        return self._run("resolve_sent", batch, bsg_campaign_id, next_poll_ms)

    def stopped(self, account: str, bsg_campaign_id: int, *, status: str) -> str:
        """End a stop: BSG gives the campaign this final status."""
        return text_of(self._scripts.run("stopped", account, bsg_campaign_id, status)[0])

    def stop_refused(self, account: str, bsg_campaign_id: int, *, status: str, delay_ms: int) -> str:
        """Put a stop off for `delay_ms` or longer: BSG has not obeyed it, and give the campaign this status."""
        return text_of(self._scripts.run("stop_refused", account, bsg_campaign_id, status, delay_ms)[0])

    def stop_denied(self, account: str, bsg_campaign_id: int, *, older_than_ms: int, delay_ms: int, cause: str) -> str:
        """Put a stop off whose campaign BSG does not know; `given_up`, an alarm, once BSG has denied it that long."""
        reply = self._scripts.run("stop_denied", account, bsg_campaign_id, older_than_ms, delay_ms, cause)
        return text_of(reply[0])
