"""The parsers of the command line. Each command describes itself; a mistyped word gets the nearest known one."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

# The names in `Producer` of the positional arguments.
_POSITIONALS = {
    "campaign": "ID",
    "batch": "BATCH",
    "name": "NAME",
    "phone": "PHONE",
    "phones": "PHONE",
    "messages": "FILE",
}


if TYPE_CHECKING:
    _SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    _SubParsers = argparse._SubParsersAction


class Commands(_SubParsers):
    """The commands. A command's line in the list of commands is also the description in its own help."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        described = options["help"][:1].upper() + options["help"][1:] + "."
        return super().add_parser(name, **{"description": described, **options})


class CommandLine:
    """The parser of the whole command line, and the commands' parsers by name, as of `commands_of`."""

    def __init__(self, whole: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> None:
        self.whole = whole
        self._commands = commands

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse the words. For an unknown word, exit with code 2 and suggest the nearest known one."""
        name = words[0] if words else ""
        if name and not name.startswith("-") and name not in self._commands:
            known = [command for command in self._commands if " " not in command]
            self._refuse(self.whole, f"{name!r} is not a command", name, known)
        arguments, unknown = self.whole.parse_known_args(words)
        if unknown:
            command = self._command_in(words) or self.whole
            self._refuse(command, f"unrecognized arguments: {' '.join(unknown)}", unknown[0], _options_of(command))
        return arguments

    def name_of(self, field: str, words: Sequence[str]) -> str:
        """Return the name that the command in these words gives an argument of `Producer`."""
        option = f"--{field.replace('_', '-')}"
        command = self._command_in(words)
        if command is not None and option in _options_of(command):
            return option
        return _POSITIONALS.get(field, field)

    def _command_in(self, words: Sequence[str]) -> argparse.ArgumentParser | None:
        return self._commands.get(" ".join(words[:2])) or self._commands.get(" ".join(words[:1]))

    @staticmethod
    def _refuse(parser: argparse.ArgumentParser, message: str, word: str, known: Iterable[str]) -> NoReturn:
        near = get_close_matches(word.partition("=")[0], list(known), 1)
        hint = f". Did you mean {near[0]}?" if near else f". `{parser.prog} --help` lists what there is."
        parser.error(message + hint)


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of all commands by their words: "stream" and "stream send" are two of them."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                inner = {f"{name} {words}": below for words, below in commands_of(command).items()}
                found |= {name: command, **inner}
    return found


def _options_of(parser: argparse.ArgumentParser) -> list[str]:
    return re.findall(r"--[a-z-]+", parser.format_usage())
