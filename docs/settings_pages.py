"""The table of settings as .env.example and as the page of the reference."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from bsg_config.setting import Setting
from bsg_config.settings_table import SETTINGS

_WIDTH = 120
_HEAD = """\
# Settings of bsg-campaigns, written by `make reference`. Copy this file to .env, or set the variables in another way.
# A variable that is commented out or blank has the default shown here.
# Durations are seconds unless they have a unit (90, 1.5, 15m, 24h, 7d). Rates are written as 5/s, 300/m, 1000/h.
"""


def env_example() -> str:
    """Return the text of .env.example."""
    lines = [_HEAD]
    for section, settings in _sections():
        lines += [f"# --- {section} ".ljust(_WIDTH, "-"), ""]
        for setting in settings:
            lines += textwrap.wrap(
                setting.explanation, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
            )
            lines += ["# (per account)"] if setting.per_account else []
            # A variable without a default is left for the reader to fill in.
            lines += [f"{setting.name}=" if setting.default is None else f"#{setting.name}={setting.default}", ""]
    return "\n".join(lines).rstrip() + "\n"


def settings_page() -> Iterator[str]:
    """Yield the lines of the reference's page."""
    yield "Settings are environment variables, or lines of a file `.env` next to docker-compose.yml. A process reports"
    yield "all invalid settings at once. Durations are seconds unless they have a unit (`90`, `1.5`, `15m`, `24h`,"
    yield "`7d`). Rates are written as `5/s`, `300/m` or `1000/h`. [Several accounts](../how-to/several-accounts.md)"
    yield "explains “per account”."
    yield ""
    for section, settings in _sections():
        yield f"## {section}"
        yield ""
        for setting in settings:
            default = f"default `{setting.default}`" if setting.default else "no default"
            yield f"**`{setting.name}`** – {default}{', per account' if setting.per_account else ''}"
            yield ""
            yield setting.explanation
            yield ""


def _sections() -> Iterator[tuple[str, Iterator[Setting]]]:
    yield from groupby(SETTINGS, lambda setting: setting.section)
