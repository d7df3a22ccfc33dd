"""An account at BSG: its name, its key, its address, and the limits and windows of requests there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from bsg_config.named_accounts import DEFAULT_ACCOUNT, variable
from bsg_config.settings_invalid import SettingsInvalid
from bsg_config.settings_table import AccountTable


@dataclass(frozen=True, slots=True, repr=False)
class Account(AccountTable):
    """One account's settings. `name` is the name in its variables; it is `default` for variables without a name."""

    name: str = DEFAULT_ACCOUNT

    @property
    def id(self) -> str:
        """Return an id of the account that does not reveal its key. Raise SettingsInvalid if there is no key."""
        named = f"{self.bsg_base_url}\0{self.require_api_key()}"  # guard: account-has-address
        return hashlib.sha256(named.encode()).hexdigest()[:16]

    @property
    def address(self) -> str:
        """Return the address of BSG. It is equal for addresses that lead to the same server."""
        parts = urlsplit(self.bsg_base_url)
        usual = {"https": 443, "http": 80}.get(parts.scheme)
        return f"{parts.scheme}://{(parts.hostname or '').lower()}:{parts.port or usual}{parts.path.rstrip('/')}"

    @property
    def max_request_seconds(self) -> float:
        """Return the bound in seconds on one whole request, with its response."""
        return self.bsg_connect_timeout + self.bsg_read_timeout

    def owns(self, owner: str | None, account_name: str | None) -> bool:
        """Return whether a campaign belongs to this account: by its owner, or by its name while it has no owner."""
        return owner == self.id or (owner is None and account_name == self.name)  # guard: owner-decides

    def require_api_key(self) -> str:
        """Return the key that BSG gave. Raise SettingsInvalid if none is set."""
        if self.bsg_api_key is None:
            name = variable("BSG_API_KEY", self.name)
            raise SettingsInvalid({name: ["Not set. Copy the key from BSG's account page into it."]})
        return self.bsg_api_key

    def __repr__(self) -> str:
        shown = {field.name: getattr(self, field.name) for field in fields(self)}
        shown["bsg_api_key"] = None if self.bsg_api_key is None else "(hidden)"
        return f"Account({', '.join(f'{name}={value!r}' for name, value in shown.items())})"
