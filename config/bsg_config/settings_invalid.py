"""The exception for wrong settings."""

from __future__ import annotations

from collections.abc import Mapping


class SettingsInvalid(Exception):
    """Some settings are invalid or missing. `errors` has the messages, by variable."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        self.errors: dict[str, list[str]] = {name: list(messages) for name, messages in errors.items()}
        lines = (f"  {name}: {' '.join(messages)}" for name, messages in sorted(self.errors.items()))
        super().__init__("Settings are wrong:\n" + "\n".join(lines))

    def __reduce__(self) -> tuple[type[SettingsInvalid], tuple[dict[str, list[str]]]]:
        return SettingsInvalid, (self.errors,)
