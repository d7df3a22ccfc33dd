"""Some countries by the first digits of a phone (ITU-T E.164), named as in the examples of BSG's document."""

from __future__ import annotations

from typing import NamedTuple


class Country(NamedTuple):
    """A country with one mobile operator. `code`: ISO 3166. `mcc` and `mnc`: the operator's codes. BSG: Statistic."""

    code: str
    name: str
    brand: str
    mcc: str
    mnc: str


UNKNOWN = Country("ZZ", "Unknown", "Unknown", "000", "00")  # ZZ: ISO 3166 leaves it to the user
_BY_PREFIX = {
    "380": Country("UA", "Ukraine", "Vodafone", "255", "01"),
    "382": Country("ME", "Montenegro", "Telekom", "297", "02"),
    "33": Country("FR", "France", "Orange", "208", "01"),
    "44": Country("GB", "United Kingdom", "Vodafone", "234", "15"),
    "48": Country("PL", "Poland", "Play", "260", "06"),
    "49": Country("DE", "Germany", "Telekom", "262", "01"),
    "1": Country("US", "United States", "Verizon", "311", "480"),
}


def country_of(phone: int) -> Country:
    """Return the country of a phone; UNKNOWN for one that is not in this short table."""
    digits = str(phone)
    return next((found for prefix, found in _BY_PREFIX.items() if digits.startswith(prefix)), UNKNOWN)
