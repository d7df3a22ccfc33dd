"""Ask the ledger for work, once a request to BSG could leave."""

from __future__ import annotations

from dataclasses import dataclass

from redis.exceptions import RedisError

from bsg_client.outcomes import ReadFailed
from bsg_ledger.dispatcher import SendNotDurable
from bsg_ledger.durability import NotDurable
from bsg_ledger.work import GateShut, Send, Work
from bsg_worker.read_failures import apply_backpressure
from bsg_worker.runtime import Runtime


@dataclass(frozen=True, slots=True)
class NotReady:
    """Nothing can leave now, and no work was requested: there is no token, or Redis is not durable."""

    cause: str


@dataclass(frozen=True, slots=True)
class NotKept:
    """The batch's intent is not known to be on disk, so it must not leave."""

    send: Send


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The ledger did not respond: it may have dispatched a batch under the token."""


Asked = Work | NotReady | NotKept | Unanswered


def ask(runtime: Runtime, token: str, *, permit: bool = True) -> Asked:
    """Return the next piece of work for the account. A batch to send has its intent on disk. `permit`: see `next`.

    Get a token first, so that no login comes between a batch's slot of the rate limit and its POST.
    """
    if permit and not runtime.client.has_access():  # guard: token-before-slot
        if runtime.gate.state().shut:  # guard: gate-before-login
            return GateShut()
        try:
            runtime.client.log_in()
        except ReadFailed as failure:
            apply_backpressure(runtime, failure)
            return NotReady(failure.cause)
    try:
        return runtime.dispatcher.next(token, permit=permit)
    except SendNotDurable as error:
        return NotKept(error.send)
    except NotDurable as error:
        return NotReady(str(error))
    except RedisError:
        return Unanswered()
