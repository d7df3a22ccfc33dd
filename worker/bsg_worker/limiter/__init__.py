"""One rate limit for all workers of an account, kept in Redis."""

from bsg_worker.limiter.limiter import LONGEST_COOL_DOWN, Later, Limiter, LimiterState, Slot

__all__ = ["LONGEST_COOL_DOWN", "Later", "Limiter", "LimiterState", "Slot"]
