"""All settings, read from the environment and checked together. One error reports everything that is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from environs import Env, EnvValidationError
from marshmallow import ValidationError

from bsg_config.account import Account
from bsg_config.named_accounts import DEFAULT_ACCOUNT, own_settings, variable
from bsg_config.redis_address import RedisAddress
from bsg_config.settings_invalid import SettingsInvalid
from bsg_config.settings_table import SETTINGS, ProcessTable

_REQUESTS_IN_A_LEASE = 3


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Settings(ProcessTable):
    """Every setting, checked. Durations are seconds. `bsg_config.settings_table` explains each setting.

    `account` is the account of the variables without a name; `named_accounts` are the others.

    >>> settings = Settings.build(redis_url="redis://localhost:6379/0", bsg_rate_burst="2")
    >>> settings.queue_timeout, settings.account.bsg_rate_burst
    (3.0, 2)
    """

    account: Account
    named_accounts: tuple[Account, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of an environment, by default this process's. A blank variable counts as unset.

        Raise SettingsInvalid, which names every invalid variable with its remedy.

        >>> Settings.from_environment({"REDIS_URL": "redis://localhost:6379/0"}).queue_durability
        'strict'
        >>> Settings.from_environment({"QUEUE_DURABILITY": "loose"})
        Traceback (most recent call last):
        bsg_config.settings_invalid.SettingsInvalid: ...
        """
        environ = os.environ if environ is None else environ
        own, wrong = own_settings(environ, {setting.name: setting.per_account for setting in SETTINGS})
        found, errors = _read(environ)
        for name, messages in wrong.items():
            errors.setdefault(name, []).extend(messages)
        _add_contradictions(found, errors)
        first_is_right = not errors
        accounts = []
        for account, given in own.items():
            account_values, account_errors = _read({**environ, "BSG_API_KEY": "", **given})  # guard: key-of-one-account
            _add_contradictions(account_values, account_errors)
            for name, messages in account_errors.items():
                if name in given:
                    errors[variable(name, account)] = messages
                elif first_is_right:  # otherwise it is reported above, for all accounts
                    errors.setdefault(name, []).extend(f"For the account {account}: {message}" for message in messages)
            if not account_errors:
                accounts.append(_account(account_values, account))
        if errors:
            raise SettingsInvalid(errors)
        settings = cls._of(found, accounts)
        if errors := dict(_confused(settings, own)):
            raise SettingsInvalid(errors)
        return settings

    @classmethod
    def build(cls, **overrides: Any) -> Settings:
        """Return the given settings, with defaults for the rest. The environment is not read; the checks are the same.

        Named accounts exist only as variables: pass a mapping of those to `from_environment`.

        Raise SettingsInvalid.

        >>> Settings.build(queue_timeout="1.5").queue_timeout
        1.5
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
        _add_contradictions(found, errors)
        if errors:
            raise SettingsInvalid(errors)
        return cls._of(found, ())

    @classmethod
    def _of(cls, found: Mapping[str, Any], named_accounts: Iterable[Account]) -> Settings:
        of_process = {setting.field: found[setting.field] for setting in SETTINGS if not setting.per_account}
        account = _account(found, DEFAULT_ACCOUNT)
        return cls(**of_process, account=account, named_accounts=tuple(named_accounts))

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return each account that has a key here."""
        return tuple(one for one in (self.account, *self.named_accounts) if one.bsg_api_key is not None)

    @property
    def accounts_or_default(self) -> tuple[Account, ...]:
        """Return `accounts`. Without any key, as in a web app, return the account without a name."""
        return self.accounts or (self.account,)

    def require_accounts(self) -> tuple[Account, ...]:
        """Return `accounts`. Raise SettingsInvalid if no key is set."""
        if not self.accounts:
            self.account.require_api_key()
        return self.accounts

    def of_account(self, name: str) -> Account:
        """Return the account of that name.

        A web app needs no keys. Without any key or variable of the account, the result equals the account without a
        name, except for the name. Raise SettingsInvalid if other keys are set here, but none of that name.
        """
        for account in self.accounts or (self.account, *self.named_accounts):
            if account.name == name:
                return account
        if self.accounts:
            raise SettingsInvalid({variable("BSG_API_KEY", name): ["Not set, so there is no such account here."]})
        return replace(self.account, name=name)

    def owning(self, owner: str | None, account_name: str | None) -> Account | None:
        """Return the account that owns a campaign, or None if its key is not known here."""
        return next((account for account in self.accounts if account.owns(owner, account_name)), None)

    @property
    def max_request_seconds_of_all(self) -> float:
        """Return the largest `max_request_seconds` of the accounts."""
        return max(account.max_request_seconds for account in self.accounts_or_default)

    def require_redis_address(self) -> RedisAddress:
        """Return the address of Redis. Raise SettingsInvalid if it is not set."""
        if self.redis_url is None:
            raise SettingsInvalid({"REDIS_URL": ["Not set. Write where Redis is, such as redis://localhost:6379/0."]})
        return RedisAddress.parse(self.redis_url)

    def __repr__(self) -> str:
        shown = {field.name: getattr(self, field.name) for field in fields(self)}
        shown["body_key"] = "(hidden)" if self.body_key else ()
        shown["redis_url"] = None if self.redis_url is None else self.require_redis_address().without_secrets()
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def _account(found: Mapping[str, Any], name: str) -> Account:
    return Account(**{setting.field: found[setting.field] for setting in SETTINGS if setting.per_account}, name=name)


class _Environment(Env):
    """Read any mapping. A blank value counts as unset, because compose files leave unset variables blank."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self._mapping = environ

    def _get_value(self, env_key: str, default: Any) -> Any:
        value = self._mapping.get(env_key, "")
        return value if value.strip() else default


def _read(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return every setting, by field, and the error messages, by variable."""
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
            named = ", ".join(variable(name, account.name) for name in own[account.name])
            yield variable("BSG_API_KEY", account.name), [f"Not set, but {named} is: set it, or correct the name."]
    names: dict[tuple[str, str | None], str] = {}
    for account in settings.accounts:
        name = variable("BSG_API_KEY", account.name)
        first = names.setdefault((account.address, account.bsg_api_key), name)
        if first != name:
            yield name, [f"The same account as by {first}: give it one name, or its own key."]


def _add_contradictions(found: Mapping[str, Any], errors: dict[str, list[str]]) -> None:
    """Add the contradictions among settings that are valid by themselves."""
    for name, message in _contradictions({name: found[name] for name in found if name.upper() not in errors}):
        errors.setdefault(name, []).append(message)


def _contradictions(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the variables that contradict each other, each with a message."""
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
