"""Text from commits, paths and errors, made safe for a terminal.

Characters that control a terminal, or hide or reorder text, are made visible: C0, C1 and DEL, every format character (bidi
controls, zero-width joiners, tags), U+2028 and U+2029, surrogates, and what Unicode has not assigned yet.
`str.isprintable` excludes exactly these, and knows more of Unicode than a list of ours would.
"""

from __future__ import annotations


def to_line(text: str) -> str:
    """Return *text* on one line: runs of white space become one space, everything unprintable visible."""
    return _visible(" ".join(text.split()))


def to_block(text: str) -> list[str]:
    r"""Return the lines of *text*, ended by \n or \r\n alone, tabs as spaces, everything unprintable visible."""
    return [_visible(line.removesuffix("\r").expandtabs(4)) for line in text.split("\n")]


def to_path(path: str) -> str:
    """Return *path* with every unprintable character visible, every space kept: one less would name another file."""
    return _visible(path)


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(ord(char)) for char in text)


def _escape(code: int) -> str:
    if code in (0xA0, 0x3000):  # no-break and ideographic space: harmless, and common in prose
        return " "
    if 0xDC80 <= code <= 0xDCFF:  # a surrogate escape: the byte that was no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
