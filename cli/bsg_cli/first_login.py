"""Check whether BSG accepts the keys before anything runs with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bsg_cli.errors import BadInput
from bsg_config.account import Account
from bsg_config.named_accounts import variable
from bsg_config.settings import Settings
from bsg_producer.queue_errors import queue_errors

# Do not wait longer for a BSG that does not respond: workers retry by themselves.
CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
SLOT_TIMEOUT_SECONDS = 3.0  # for a slot of the rate limit
TEST_KEY = "test_"


def log_in(settings: Settings, report: Callable[[str], None]) -> None:
    """Log in for every account, and report the results. Raise BadInput when BSG does not accept a key."""
    try:
        from bsg_client.outcomes import AccountReason, ReadFailed
        from bsg_worker.runtime import build
    except ImportError:  # the workers report missing packages
        return
    wrong = []
    for account in settings.require_accounts():
        key = variable("BSG_API_KEY", account.name)
        where = f"BSG at {account.bsg_base_url}"
        hasty = replace(
            account,
            bsg_connect_timeout=min(account.bsg_connect_timeout, CONNECT_SECONDS),
            bsg_read_timeout=min(account.bsg_read_timeout, READ_SECONDS),
        )
        try:
            with queue_errors():
                build(settings, hasty, slot_timeout=SLOT_TIMEOUT_SECONDS).client.balance()
        except ReadFailed as failure:
            if failure.account_reason is AccountReason.BAD_KEY:
                wrong.append(f"{key}: {where} does not take it ({failure.cause}). Copy it from BSG's account page.")
            elif failure.account_reason is not None:
                report(f"WARNING: {where} does nothing for the account of {key} ({failure.account_reason}).")
            else:
                report(f"WARNING: no login with {key}, as {where} gave no usable response ({failure.cause}).")
        else:
            kind = ", a test key: BSG sends nothing to people" if _is_test_key(account) else ""
            report(f"logged in with {key} at {where}{kind}")
    if wrong:
        raise BadInput("\n  ".join(wrong))


def _is_test_key(account: Account) -> bool:
    return account.require_api_key().startswith(TEST_KEY)
