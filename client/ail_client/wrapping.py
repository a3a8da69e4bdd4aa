"""Text broken into lines that fit."""

from __future__ import annotations

_BULLETS = ("- ", "* ", "+ ", "• ")
_LEAST_ROOM = 10


def count_columns(text: str) -> int:
    """Return the columns *text* takes on a terminal."""
    if text.isascii():
        return len(text)
    from .columns import measure  # unicodedata: 1 ms, not needed for ASCII

    return measure(text)


def cut(text: str, columns: int | None) -> str:
    """Return *text*, or its beginning and "…" where it takes more than *columns* (None: endless)."""
    if columns is None or count_columns(text) <= columns:
        return text
    from .columns import split_at

    return split_at(text, max(columns - 1, 1))[0].rstrip() + "…"


def wrap(text: str, columns: int) -> list[str]:
    """Return *text* broken at spaces into lines of at most *columns*.

    Further lines align with the first line's text: at its indentation, after a bullet. A longer word stays whole,
    so that an address can be copied; one of a script without spaces is broken anywhere.
    """
    body = text.lstrip(" ")
    lead = " " * min(len(text) - len(body), columns // 3)
    hanging = lead + "  " if body.startswith(_BULLETS) else lead
    lines, line = [], lead
    for word in _split_words(body, max(columns - len(hanging), _LEAST_ROOM)):
        if line.strip() and count_columns(line) + 1 + count_columns(word) > columns:
            lines.append(line)
            line = hanging + word
        else:
            line = f"{line} {word}" if line.strip() else line + word
    return [*lines, line]


def reflow(lines: list[str]) -> list[str]:
    """Return the paragraphs of *lines*, joining lines that were broken for their width; no blank ones.

    A line was broken for its width if the next one's first word would not have fitted into the longest line here. Lists,
    quotations, tables and code keep their lines.
    """
    longest = max(map(len, lines), default=0)
    joined: list[str] = []
    last = ""
    for line in lines:
        first, _, _ = line.strip().partition(" ")
        if last.strip() and first and len(last) + 1 + len(first) > longest * 0.9 and _continues(line, joined[-1]):
            joined[-1] = f"{joined[-1]} {line.strip()}"
        elif first:
            joined.append(line)
        last = line
    return joined


def _split_words(text: str, room: int) -> list[str]:
    words = []
    for word in text.split(" "):
        words += [word] if word.isascii() or count_columns(word) <= room else _break(word, room)
    return words


def _break(word: str, room: int) -> list[str]:
    from .columns import break_anywhere

    return break_anywhere(word, room)


def _continues(line: str, before: str) -> bool:
    """Whether *line* may go on where *before* ends: prose, equally indented, or hanging after a bullet."""
    text = line.lstrip(" ")
    indent, indent_before = len(line) - len(text), len(before) - len(before.lstrip(" "))
    if before.lstrip(" ").startswith(_BULLETS):
        indent_before += 2
    is_prose = text[0].isalnum() or text[0] in "\"'`(<["
    is_numbered = text.partition(" ")[0].rstrip(".)").isdigit()
    return is_prose and not is_numbered and indent == indent_before and indent < 4
