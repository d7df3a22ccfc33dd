"""The options for reading a file of contacts."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable

from bsg_cli.errors import BadInput
from bsg_producer.files import Reading, international, text_encodings

_SPOKEN = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|"}


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    options = parser.add_argument_group("how to read the file, if it is not detected correctly")
    options.add_argument(
        "--map",
        action="append",
        default=[],
        type=_mapped,
        metavar="NAME=COLUMN",
        help="the column that has a field of the messages: phone=Mobile; repeatable",
    )
    options.add_argument(
        "--region", type=_phones, metavar="UA", help="accept phones in the national format of this country"
    )
    options.add_argument(
        "--encoding", type=_encoding, metavar="NAME", help="the encoding of the file: utf-8, utf-16, cp1251, …"
    )
    options.add_argument(
        "--delimiter", type=_separator, metavar="CHARACTER", help="the character between two cells; `tab` for a tab"
    )
    options.add_argument(
        "--quote", type=_one_character, metavar="CHARACTER", help="the character around cells that contain a delimiter"
    )
    options.add_argument("--sheet", metavar="NAME", help="the sheet of an .xlsx file (default: the first)")


def reading_of(arguments: argparse.Namespace) -> Reading:
    """Return how to read the file. Raise BadInput for a name or a column that is mapped twice."""
    for index, what in ((0, "name"), (1, "column")):
        repeated = [word for word, times in Counter(pair[index] for pair in arguments.map).items() if times > 1]
        if repeated:
            raise BadInput(f"--map: the {what} {repeated[0]!r} is given twice. Give it once.")
    if arguments.delimiter is not None and arguments.delimiter == arguments.quote:
        raise BadInput("--quote: the same character as --delimiter. Give two that differ.")
    return Reading(
        encoding=arguments.encoding,
        separator=arguments.delimiter,
        quote=arguments.quote,
        sheet=arguments.sheet,
        columns=dict(arguments.map),
        phone=arguments.region,
    )


def _mapped(text: str) -> tuple[str, str]:
    name, sign, column = (part.strip() for part in text.partition("="))
    if not (name and sign and column):
        raise argparse.ArgumentTypeError(f"{text!r} maps nothing: write it as phone=Mobile")
    return name, column


def _encoding(text: str) -> str:
    try:
        return text_encodings.named(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _phones(text: str) -> Callable[[str], str]:
    try:
        return international(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    except ModuleNotFoundError as missing:
        raise argparse.ArgumentTypeError(str(missing)) from None


def _separator(text: str) -> str:
    return _one_character(_SPOKEN.get(text.lower(), text))


def _one_character(text: str) -> str:
    if len(text) != 1 or text in "\r\n\0" or text.isalnum():
        raise argparse.ArgumentTypeError(f"{text!r} is not one sign: write it as ';' or as tab")
    return text
