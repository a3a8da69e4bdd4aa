"""The two streams: answers to stdout, everything else to stderr. Colour and progress only on terminals."""

from __future__ import annotations

import os
import sys

from .sanitise import to_block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


_WITHOUT_LINKS = ("dumb", "linux", "eterm")
"""Terminals that print links instead of ignoring them: the Linux console and Emacs's."""

_PLAIN = {ord("…"): "...", ord("—"): "--", ord("│"): "|", ord("·"): "-", ord("•"): "*"}


def write_answer(text: str, may_page: bool = False) -> None:
    """Write *text* and a newline to stdout; a character its encoding lacks is escaped.

    With *may_page*, what is longer than the terminal goes through the user's pager.
    """
    if may_page and is_terminal(sys.stdout):
        from .pager import write_paged  # only on a terminal

        if write_paged(text):
            return
    _write(sys.stdout, text)


def write_note(text: str) -> None:
    """Write *text*, made safe, and a newline to stderr."""
    _write(sys.stderr, "\n".join(to_block(text)))


def write_error_text(text: str) -> None:
    """Write *text*, made safe, to stderr without a newline: a prompt."""
    if sys.stderr is not None:
        sys.stderr.write("\n".join(to_block(text)))
        sys.stderr.flush()


def write_aside(text: str) -> None:
    """Write *text*, which is safe already, and a newline to stderr."""
    _write(sys.stderr, text)


def write_json(value: object) -> None:
    """Write one JSON document, ASCII only: no control character of a commit passes."""
    import json  # 1 ms, and only here

    write_answer(json.dumps(value, ensure_ascii=True, indent=2))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether *stream* is there and a terminal."""
    return stream is not None and not stream.closed and stream.isatty()


def is_watched() -> bool:
    """Whether stdout is shown to a person: on a terminal, or in the pager that `git -p why` started."""
    return is_terminal(sys.stdout) or os.environ.get("GIT_PAGER_IN_USE") == "true"


class _Colour:
    """What --color asks for: "auto", "always" or "never"."""

    asked = "auto"


def choose_colour(asked: str) -> None:
    """Take note of --color, which wins over the environment."""
    _Colour.asked = asked


def has_colour() -> bool:
    """Whether stdout may be coloured: --color, then https://no-color.org, then https://bixense.com/clicolors."""
    if _Colour.asked != "auto":
        return _Colour.asked == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return os.environ.get("CLICOLOR") != "0" and os.environ.get("TERM") not in ("dumb", "", None) and is_watched()


def has_links() -> bool:
    """Whether stdout may hold hyperlinks (OSC 8). Terminals without them ignore them, but for those named here."""
    asked = os.environ.get("AIL_HYPERLINKS")
    if asked in ("always", "never"):
        return asked == "always"
    return is_terminal(sys.stdout) and not os.environ.get("TERM", "dumb").startswith(_WITHOUT_LINKS)


def get_width() -> int | None:
    """Return the columns of the terminal on stdout; None where it is not one, or does not say."""
    if is_terminal(sys.stdout):
        return get_size()[0] or None
    columns = os.environ.get("COLUMNS", "") if is_watched() else ""  # git sets its pager's
    return int(columns) if columns.isascii() and columns.isdigit() and int(columns) else None


def get_size() -> tuple[int, int]:
    """Return (columns, lines) of the terminal on stdout, 0 for what is unknown."""
    try:
        return os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return 0, 0


def flush() -> None:
    """Write out what is buffered. Raises BrokenPipeError where the reader is gone, OSError where the disk is full."""
    if sys.stdout is not None:
        sys.stdout.flush()


def abandon_stdout() -> None:
    """Point stdout at /dev/null, so that the interpreter's last flush does not report a closed pipe."""
    if sys.stdout is not None:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def encode(text: str, encoding: str | None) -> bytes:
    """Return *text* in *encoding* (None: UTF-8): what it lacks is escaped; our own signs are replaced."""
    encoding = encoding or "utf-8"
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace")


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # started with the descriptor closed
        return
    encoding = stream.encoding or "utf-8"
    stream.write(encode(text, encoding).decode(encoding) + "\n")
