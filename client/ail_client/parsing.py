"""The parser, its values and its width: mistakes are UsageErrors, so that one place reports every error."""

from __future__ import annotations

import argparse
import math
import os
import sys

from ail_rpc.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_HELP_MAX = 100


class Parser(argparse.ArgumentParser):
    """Raises UsageError with a hint that names what may have been meant."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError in argparse's words."""
        from .suggestions import suggest_words  # difflib: 2 ms, only after a typo

        known = [word for action in self._actions for word in (*action.option_strings, *(action.choices or ()))]
        raise UsageError(message, suggest_words(message, known, self.prog))


def get_help_width() -> int:
    """Return the columns for help: those of the terminal, at most 100, without argparse's import of shutil."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns):
        width = int(columns)
    else:
        try:
            width = os.get_terminal_size(sys.stdout.fileno()).columns or _HELP_MAX
        except (OSError, ValueError, AttributeError):
            width = _HELP_MAX
    return max(20, min(width, _HELP_MAX) - 2)


def parse_count(text: str) -> int:
    """Return a whole number above 0; argparse reports anything else."""
    if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")


def parse_seconds(text: str) -> float:
    """Return a finite number of seconds above 0; argparse reports anything else."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if 0 < value < math.inf:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
