"""What a user who mistyped may have meant. Imported only after a mistake."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_WRONG = re.compile(r"invalid choice: '([^']*)'|(?<!\w)(--[A-Za-z][\w-]*)")


def suggest_command(name: str, known: Iterable[str], program: str) -> str:
    """Return a hint for the unknown command *name*: a similar one, or how to ask what looks like a question."""
    if " " in name.strip() or name.endswith("?") or os.path.exists(name.partition(":")[0]):
        return f'a question needs its command: {program} ask "why …?"'
    return _mean(name, known) or f"`{program} --help` lists them"


def suggest_words(message: str, known: Iterable[str], program: str) -> str:
    """Return a hint for argparse's *message*, which quotes the word that is wrong."""
    shows = f"`{program} --help` shows how, with examples"
    known = list(known)
    for choice, option in _WRONG.findall(message):
        if option in known:
            continue
        if meant := _mean(choice or option, [word for word in known if word.startswith("-") == bool(option)]):
            return f"{meant} {shows}"
    if message.startswith("unrecognized arguments: -"):
        return f"words that begin with - go behind `--`; {shows}"
    return shows


def _mean(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""
