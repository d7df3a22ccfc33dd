"""The base of the exceptions, and that for invalid arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class BSGCampaignsError(Exception):
    """Any failure that a caller of the producer may want to handle.

    >>> try:
    ...     raise CampaignInvalid({"text": ["It is blank."]})
    ... except BSGCampaignsError as error:
    ...     print(error)
    text: It is blank.
    """


class CampaignInvalid(BSGCampaignsError):
    """The caller's arguments are invalid. `errors` has, by field, what is wrong and how to correct it.

    >>> error = CampaignInvalid({"sender": ["It is missing."], "text": ["It is blank."]})
    >>> error.errors["text"]
    ['It is blank.']
    """

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        self.errors: dict[str, list[str]] = {field: list(messages) for field, messages in errors.items()}
        super().__init__("; ".join(f"{field}: {' '.join(messages)}" for field, messages in self.errors.items()))

    def __reduce__(self) -> tuple[type[CampaignInvalid], tuple[dict[str, list[str]]]]:
        return CampaignInvalid, (self.errors,)
