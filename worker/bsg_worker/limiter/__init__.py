"""One rate limit for all workers of an account, kept in Redis."""

from bsg_worker.limiter.limiter import Later, Limiter, LimiterState, Slot

__all__ = ["Later", "Limiter", "LimiterState", "Slot"]
