"""How long to wait before the next attempt: exponential, with full jitter."""

from __future__ import annotations

from random import Random

# A larger power would overflow. Even a base of a hundredth of a second exceeds any cap before that.
_LARGEST_EXPONENT = 62


def delay(attempt: int, base: float, cap: float, random: Random) -> float:
    """Return the seconds to wait after attempt number `attempt` (from 1) failed: drawn evenly from 0 to the ceiling.

    The ceiling is `base` seconds after the first attempt, doubles with each further one, and stops at `cap` seconds.
    Full jitter spreads workers that failed at the same time.
    """
    if attempt < 1:
        raise ValueError(f"the first attempt is number 1, not {attempt}")
    ceiling = min(cap, base * 2 ** min(attempt - 1, _LARGEST_EXPONENT))
    return random.uniform(0.0, ceiling)
