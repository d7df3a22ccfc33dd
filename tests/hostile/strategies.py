"""What may come from anywhere: JSON and Python values, ordinary, odd and on the edge."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

ODD_TEXTS = st.sampled_from(
    ["", " ", "\0", "\n", "\r\n", "\ud800", "\u202e", "0", "-1", "nan", "1e999", "9" * 400, "x" * 5_000, "{{", "%s"]
)
ODD_NUMBERS = st.sampled_from(
    [0, -1, 2**31, 2**53 + 1, 2**63, 10**40, 10**4_000, 1e308, float("inf"), float("nan"), -0.0]
)
HUGE = 10**5_000
"""Python raises ValueError for its text."""

SCALARS: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | ODD_TEXTS | ODD_NUMBERS
)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
PYTHON_VALUES: st.SearchStrategy[Any] = (
    JSON_VALUES
    | st.binary(max_size=20)
    | st.sampled_from([HUGE, Decimal("NaN"), Decimal("1e999999"), object(), {1}, date(2030, 1, 1)])
    | st.sampled_from([datetime.max, datetime.min, datetime.max.replace(tzinfo=UTC), timedelta.max, timedelta.min])
    | st.datetimes()
    | st.timedeltas()
)


def nested(depth: int) -> bytes:
    """JSON so deep that it takes any parser to its limit."""
    return b"[" * depth + b"]" * depth


def as_json(value: Any) -> bytes:
    """Return the value as a server may print it, with what JSON only nearly allows (NaN, half surrogate pairs)."""
    return json.dumps(value).encode()
