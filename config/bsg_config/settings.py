"""All settings, read from the environment and checked together. One error reports everything that is wrong."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, cast
from urllib.parse import urlsplit

from environs import Env, EnvValidationError
from marshmallow import ValidationError

from bsg_config.named_accounts import DEFAULT_ACCOUNT, own_settings, variable
from bsg_config.redis_address import RedisAddress
from bsg_config.settings_table import SETTINGS, SettingsTable

_REQUESTS_IN_A_LEASE = 3


class SettingsInvalid(Exception):
    """Some settings are invalid or missing. `errors` has the messages for each, by the name of its variable."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        self.errors: dict[str, list[str]] = {name: list(messages) for name, messages in errors.items()}
        lines = (f"  {name}: {' '.join(messages)}" for name, messages in sorted(self.errors.items()))
        super().__init__("Settings are wrong:\n" + "\n".join(lines))

    def __reduce__(self) -> tuple[type[SettingsInvalid], tuple[dict[str, list[str]]]]:
        return SettingsInvalid, (self.errors,)


@dataclass(frozen=True, slots=True, repr=False)
class Settings(SettingsTable):
    """Every setting, checked. Durations are seconds. `bsg_config.settings_table` explains each setting.

    The settings that are per account belong to the account `account_name`. `named_accounts` has those of the others.
    """

    account_name: str = DEFAULT_ACCOUNT
    named_accounts: tuple[Settings, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of an environment, by default this process's. A blank variable counts as unset.

        Raise SettingsInvalid, which names every invalid variable with its remedy.
        """
        environ = os.environ if environ is None else environ
        own, wrong = own_settings(environ, {setting.name: setting.per_account for setting in SETTINGS})
        found, errors = _read(environ)
        for name, messages in wrong.items():
            errors.setdefault(name, []).extend(messages)
        first = cls._unless_wrong(found, errors)
        accounts = []
        for account, given in own.items():
            account_values, account_errors = _read({**environ, "BSG_API_KEY": "", **given})  # guard: key-of-one-account
            accounts.append(cls._unless_wrong({**account_values, "account_name": account}, account_errors))
            for name, messages in account_errors.items():
                if name in given:
                    errors[variable(name, account)] = messages
                elif first is not None:  # otherwise it is reported above, for all accounts
                    errors.setdefault(name, []).extend(f"For the account {account}: {message}" for message in messages)
        if first is None or errors:
            raise SettingsInvalid(errors)
        settings = replace(first, named_accounts=tuple(account for account in accounts if account is not None))
        if errors := dict(_confused(settings, own)):
            raise SettingsInvalid(errors)
        return settings

    @classmethod
    def build(cls, **overrides: Any) -> Settings:
        """Return the given settings, with defaults for the rest. The environment is not read; the checks are the same.

        Named accounts exist only as variables: pass a mapping of those to `from_environment`.

        Raise SettingsInvalid.
        """
        known = {setting.field for setting in SETTINGS}
        errors = {name: ["There is no such setting."] for name in overrides if name not in known}
        found: dict[str, Any] = {}
        for setting in SETTINGS:
            try:
                found[setting.field] = setting.read(overrides.get(setting.field, setting.default))
            except ValidationError as error:
                errors[setting.name] = [str(message) for message in error.messages]
            except ValueError:  # a number too long to be written
                errors[setting.name] = ["Not a valid value. See .env.example for an explanation of this setting."]
        settings = cls._unless_wrong(found, errors)
        if settings is None:
            raise SettingsInvalid(errors)
        return settings

    @classmethod
    def _unless_wrong(cls, found: Mapping[str, Any], errors: dict[str, list[str]]) -> Settings | None:
        """Return the settings. If something is wrong, add what contradicts to `errors` and return None."""
        for name, message in _contradictions({name: found[name] for name in found if name.upper() not in errors}):
            errors.setdefault(name, []).append(message)
        return None if errors else cls(**found)

    @property
    def accounts(self) -> tuple[Settings, ...]:
        """Return the settings of each account that has a key here."""
        return tuple(one for one in (self, *self.named_accounts) if one.bsg_api_key is not None)

    @property
    def accounts_or_default(self) -> tuple[Settings, ...]:
        """Return `accounts`. Without any key, as in a web app, return the settings of the account without a name."""
        return self.accounts or (self,)

    def require_accounts(self) -> tuple[Settings, ...]:
        """Return `accounts`. Raise SettingsInvalid if no key is set."""
        if not self.accounts:
            self.require_api_key()
        return self.accounts

    def of_account(self, name: str) -> Settings:
        """Return the settings of the account of that name.

        A web app needs no keys. If there are none here, and no variable of the account, everything except the name is
        as in these settings. Raise SettingsInvalid if there are keys here, and none of that name.
        """
        for settings in self.accounts or (self, *self.named_accounts):
            if settings.account_name == name:
                return settings
        if self.accounts:
            raise SettingsInvalid({variable("BSG_API_KEY", name): ["Not set, so there is no such account here."]})
        return replace(self, account_name=name)

    def owns(self, owner: str | None, account_name: str | None) -> bool:
        """Return whether a campaign is of this account: its owner decides. While it has none, the name decides."""
        return owner == self.account or (owner is None and account_name == self.account_name)  # guard: owner-decides

    def owning(self, owner: str | None, account_name: str | None) -> Settings | None:
        """Return the settings of the account that owns a campaign, or None if its key is not known here."""
        return next((settings for settings in self.accounts if settings.owns(owner, account_name)), None)

    @property
    def max_request_seconds(self) -> float:
        """Return the bound in seconds on one whole request of this account, with its response."""
        return self.bsg_connect_timeout + self.bsg_read_timeout

    @property
    def max_request_seconds_of_all(self) -> float:
        """Return the largest `max_request_seconds` of the accounts."""
        return max(account.max_request_seconds for account in self.accounts_or_default)

    @property
    def account(self) -> str:
        """Return an id of the account that does not reveal its key. Raise SettingsInvalid if there is no key."""
        named = f"{self.bsg_base_url}\0{self.require_api_key()}"  # guard: account-has-address
        return hashlib.sha256(named.encode()).hexdigest()[:16]

    @property
    def address(self) -> str:
        """Return the address of BSG. It is equal for addresses that lead to the same server."""
        return _comparable(self.bsg_base_url)

    def require_api_key(self) -> str:
        """Return the key that BSG gave. Raise SettingsInvalid if none is set."""
        if self.bsg_api_key is None:
            name = variable("BSG_API_KEY", self.account_name)
            raise SettingsInvalid({name: ["Not set. Copy the key from BSG's account page into it."]})
        return self.bsg_api_key

    def require_redis_address(self) -> RedisAddress:
        """Return the address of Redis. Raise SettingsInvalid if it is not set."""
        if self.redis_url is None:
            raise SettingsInvalid({"REDIS_URL": ["Not set. Write where Redis is, such as redis://localhost:6379/0."]})
        return RedisAddress.parse(self.redis_url)

    def __repr__(self) -> str:
        shown = {field.name: getattr(self, field.name) for field in fields(self)}
        shown["bsg_api_key"] = None if self.bsg_api_key is None else "(hidden)"
        shown["body_key"] = "(hidden)" if self.body_key else ()
        shown["redis_url"] = None if self.redis_url is None else self.require_redis_address().without_secrets()
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


class _Environment(Env):
    """Reads any mapping by environs. Blank counts as unset, because compose files leave unset variables blank."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self._mapping = environ

    def _get_value(self, env_key: str, default: Any) -> Any:
        value = self._mapping.get(env_key, "")
        return value if value.strip() else default


def _read(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return every setting by its field, and the messages about the invalid ones by variable."""
    env = _Environment(environ)
    found: dict[str, Any] = {}
    for setting in SETTINGS:
        reader = f"read_{setting.field}"
        env.add_parser(reader, setting.read)
        found[setting.field] = getattr(env, reader)(setting.name, default=setting.default)
    try:
        env.seal()
    except EnvValidationError as error:
        errors = cast("dict[str, list[str]]", error.error_messages)
        return found, {name: list(messages) for name, messages in errors.items()}
    return found, {}


def _confused(settings: Settings, own: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield a message for each account that lacks a key where others have one, and for each that has two names."""
    if not settings.accounts:
        return
    for account in settings.named_accounts:
        if account.bsg_api_key is None:
            named = ", ".join(variable(name, account.account_name) for name in own[account.account_name])
            yield variable("BSG_API_KEY", account.account_name), [f"Not set, but {named} is: set it, or mend the name."]
    names: dict[tuple[str, str | None], str] = {}
    for account in settings.accounts:
        name = variable("BSG_API_KEY", account.account_name)
        first = names.setdefault((account.address, account.bsg_api_key), name)
        if first != name:
            yield name, [f"The same account as by {first}: give it one name, or its own key."]


def _comparable(url: str) -> str:
    """Return an address that is equal for all addresses that lead to the same server."""
    chunks = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(chunks.scheme)
    return f"{chunks.scheme}://{(chunks.hostname or '').lower()}:{chunks.port or usual}{chunks.path.rstrip('/')}"


def _contradictions(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the variables, with a message, that are valid by themselves and contradict each other."""
    wrong: list[tuple[str, str]] = []
    if {"lease_seconds", "bsg_connect_timeout", "bsg_read_timeout"} <= found.keys():
        request_seconds = found["bsg_connect_timeout"] + found["bsg_read_timeout"]
        least = _REQUESTS_IN_A_LEASE * request_seconds
        if found["lease_seconds"] < least:  # guard: lease-outlasts-requests
            remedy = f"Write {least:g} or more: {_REQUESTS_IN_A_LEASE} x (connect + read timeout)."
            wrong.append(("LEASE_SECONDS", f"A worker could lose its lease while it still waits for BSG. {remedy}"))
    if {"retry_backoff_base", "retry_backoff_cap"} <= found.keys() and found["retry_backoff_cap"] < found[
        "retry_backoff_base"
    ]:
        wrong.append(("RETRY_BACKOFF_CAP", "It is below RETRY_BACKOFF_BASE. Write that or more."))
    if {"body_retention", "ledger_retention"} <= found.keys() and found["ledger_retention"] < found["body_retention"]:
        wrong.append(("LEDGER_RETENTION", "It is below BODY_RETENTION. Write that or more."))
    return wrong
