"""The keys of an account's rate limit: the worker's limiter writes them, and others only read them."""

from __future__ import annotations


def limit_key(account: str, name: str) -> str:
    """The microsecond from which one more request fits the limit."""
    return f"bsg:{account}:limit:{name}"


def cool_down_key(account: str) -> str:
    """The microsecond until which no request of the account may leave."""
    return f"bsg:{account}:cool-down"
