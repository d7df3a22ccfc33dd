"""The option that selects one of several accounts at BSG."""

from __future__ import annotations

import argparse

from bsg_config.named_accounts import DEFAULT_ACCOUNT, is_account_name


def add_account_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--account",
        type=_account_name,
        default=DEFAULT_ACCOUNT,
        metavar="NAME",
        help="the name of an account: `marketing` for BSG_API_KEY__MARKETING (default: that of BSG_API_KEY)",
    )


def _account_name(text: str) -> str:
    """Return the account's name. Raise ArgumentTypeError."""
    if not is_account_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an account's name: small letters, digits and _ alone")
    return text
