"""How many columns of a terminal a text takes. Imported only for non-ASCII text on a terminal.

The standard library's `unicodedata` decides; a test compares it with the library wcwidth, character by character.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from unicodedata import category, east_asian_width

_EMOJI_FORM = "\ufe0f"  # asks for the coloured, two columns wide form of the character before it


def measure(text: str) -> int:
    """Return the columns *text* takes: 2 for a wide character, 0 for one that combines with another."""
    columns = sum(map(_measure, text))
    if _EMOJI_FORM in text:
        pairs = pairwise(text)
        columns += sum(char == _EMOJI_FORM and _measure(before) == 1 for before, char in pairs)
    return columns


def split_at(text: str, columns: int) -> tuple[str, str]:
    """Return *text* in two: as much of it as fits into *columns*, one character at least, and the rest."""
    taken = 0
    for end, char in enumerate(text):
        taken += 1 if char == _EMOJI_FORM else _measure(char)
        if taken > columns and end:
            return text[:end], text[end:]
    return text, ""


def break_anywhere(word: str, columns: int) -> list[str]:
    """Return *word* in parts of at most *columns*: scripts that write no spaces break between any two characters."""
    parts = []
    while word:
        part, word = split_at(word, columns)
        parts.append(part)
    return parts


@lru_cache(4096)
def _measure(char: str) -> int:
    if category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7fb":
        return 0  # the last two: vowels and finals of a Hangul syllable, drawn into its first letter
    return 2 if east_asian_width(char) in "WF" else 1
