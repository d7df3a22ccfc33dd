"""Phone numbers in a country's national format."""

from __future__ import annotations

from collections.abc import Callable


def international(region: str) -> Callable[[str], str]:
    """Return a function that adds the country's code to the region's own numbers, and leaves other numbers unchanged.

    Raise ValueError for an unknown region. A region is two letters of ISO 3166, such as UA.

    >>> with_country = international("UA")
    >>> with_country("066 123-12-31"), with_country("+48 512 345 678")
    ('+380661231231', '+48 512 345 678')
    >>> international("Ukraine")
    Traceback (most recent call last):
    ValueError: 'Ukraine' is not a region: write two letters, such as UA, PL or DE
    """
    try:
        import phonenumbers  # its tables take a while to load, and only this needs them
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            "phones of a region need phonenumbers: pip install 'bsg-campaigns[files]'", name=missing.name
        ) from None

    if region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{region!r} is not a region: write two letters, such as UA, PL or DE")

    def converted(written: str) -> str:
        try:
            number = phonenumbers.parse(written, region.upper())
        except phonenumbers.NumberParseException:
            return written
        if not phonenumbers.is_valid_number_for_region(number, region.upper()):
            return written
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    return converted
