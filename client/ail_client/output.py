"""The two streams: answers to stdout, everything else to stderr. Colour and progress only where a person looks."""

from __future__ import annotations

import os
import sys

from .sanitise import to_block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def write_answer(text: str) -> None:
    """Write *text* and a newline to stdout; a character its encoding lacks is escaped."""
    _write(sys.stdout, text)


def write_note(text: str) -> None:
    """Write *text*, made safe, and a newline to stderr."""
    _write(sys.stderr, "\n".join(to_block(text)))


def write_json(value: object) -> None:
    """Write one JSON document, ASCII alone: no control character of a commit passes."""
    import json  # 1 ms, and only here

    write_answer(json.dumps(value, ensure_ascii=True, indent=2))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether *stream* is there and a terminal."""
    return stream is not None and not stream.closed and stream.isatty()


def has_colour() -> bool:
    """Whether stdout may be coloured (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and is_terminal(sys.stdout)


def get_width() -> int | None:
    """Return the columns of the terminal on stdout; None where it is not one, or does not tell."""
    if not is_terminal(sys.stdout):
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def flush() -> None:
    """Write out what is buffered. Raises BrokenPipeError where the reader is gone, OSError where the disk is full."""
    if sys.stdout is not None:
        sys.stdout.flush()


def abandon_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not complain about a reader that left."""
    if sys.stdout is not None:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # started with the descriptor closed
        return
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
