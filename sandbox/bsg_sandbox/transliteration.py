"""Write a text in Latin letters, as the field `transliterate` asks for. BSG's own table is not public."""

from __future__ import annotations

import unicodedata

from bsg_sandbox.texts import is_gsm

_LOWER = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "e", "є": "ie", "ж": "zh", "з": "z",
    "и": "i", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ў": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch",
    "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "iu", "я": "ia", "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"',
    "»": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " ",
}  # fmt: skip
_TABLE = str.maketrans({**_LOWER, **{letter.upper(): latin.capitalize() for letter, latin in _LOWER.items()}})


def transliterated(text: str) -> str:
    """Return a text in Latin letters where there are any for it. A text in GSM 03.38 stays as it is."""
    if is_gsm(text):
        return text
    return "".join(letter if is_gsm(letter) else _without_marks(letter) for letter in text.translate(_TABLE))


def _without_marks(letter: str) -> str:
    base = unicodedata.normalize("NFKD", letter)[0]
    return base if is_gsm(base) else letter
