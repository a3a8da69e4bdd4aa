"""Turns the stream that git prints for commits into Commits. Pure: bytes in, Commits out.

`git diff-tree --stdin -z --name-status --format=FORMAT` prints, each ended by NUL, eight fields a commit, then for each
changed path its status letter and one path, two for a rename. The first letter follows a newline.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator

from ail_daemon.model import Commit

FORMAT = "%x00".join(("%H", "%P", "%e", "%an", "%ae", "%ad", "%ct", "%B"))
"""With `--date=raw --encoding=UTF-8`: git recodes what it can and leaves bytes as they are where it cannot."""

_STATUS_LENGTH = 6  # "\nR100" and shorter; a sha has 40 or 64
_PATH_BYTES = 4096  # Linux's PATH_MAX; a tree may hold names of any length
_NO_LIMIT = sys.maxsize
_DATE = re.compile(rb"(-?\d{1,18}) ([+-])(\d{1,2})(\d\d)")


def iter_tokens(chunks: Iterable[bytes], most_bytes: int = _NO_LIMIT) -> Iterator[bytes]:
    """Split a stream at its NULs; what follows the last one is dropped. Tokens are cut somewhere beyond *most_bytes*.

    So a cut token is still longer than *most_bytes*, by which `iter_records` recognises it.
    """
    rest = bytearray()
    for chunk in chunks:
        first, *others = chunk.split(b"\0")
        if len(rest) <= most_bytes:
            rest += first
        if others:
            yield bytes(rest)
            rest = bytearray(others.pop())
            yield from others


def iter_records(
    tokens: Iterator[bytes], message_bytes: int = _NO_LIMIT, most_paths: int = _NO_LIMIT
) -> Iterator[Commit]:
    """Yield Commits from *tokens*. The last one comes when they end: if git died, it may be cut off.

    A commit is cut (`is_cut`) that has more than *most_paths*, a longer message than *message_bytes*, or a path that no
    file system takes.
    """
    token = next(tokens, None)
    while token is not None:
        fields = [token, *(next(tokens, b"") for _ in range(7))]
        paths: dict[str, None] = {}  # a set that keeps git's order
        renames: list[tuple[str, str]] = []
        is_cut = False
        while (token := next(tokens, None)) is not None and len(token) < _STATUS_LENGTH:
            named = [next(tokens, b"") for _ in range(2 if b"R" in token else 1)]
            if len(paths) + len(named) > most_paths or max(map(len, named)) > _PATH_BYTES:
                is_cut = True
                continue
            names = [name.decode("utf-8", "surrogateescape") for name in named]
            paths.update(dict.fromkeys(names))
            if len(names) == 2:
                renames.append((names[0], names[1]))
        if any(len(field) > message_bytes for field in fields):
            fields, is_cut = [cut_text(field, message_bytes) for field in fields], True
        yield _make_commit(fields, tuple(paths), tuple(renames), is_cut)


def cut_text(text: bytes, most_bytes: int) -> bytes:
    """Return the beginning of *text*, at most *most_bytes*, that does not end within a character of UTF-8."""
    cut = text[:most_bytes]
    for end in range(len(cut), max(0, len(cut) - 4), -1):
        with contextlib.suppress(UnicodeDecodeError):
            cut[:end].decode()
            return cut[:end]
    return cut


def _make_commit(
    fields: list[bytes], paths: tuple[str, ...], renames: tuple[tuple[str, str], ...], is_cut: bool
) -> Commit:
    sha, parents, encoding, author, email, date, commit_time, message = fields
    author_time, offset_min = parse_date(date)
    return Commit(
        sha.decode("ascii", "replace"),
        tuple(parents.decode("ascii", "replace").split()),
        decode_text(author, encoding),
        decode_text(email, encoding),
        author_time,
        offset_min,
        int(commit_time) if commit_time.lstrip(b"-").isdigit() and len(commit_time) < 19 else author_time,
        decode_text(message, encoding).rstrip("\n"),
        paths,
        renames,
        is_cut=is_cut,
    )


def decode_text(raw: bytes, encoding: bytes = b"") -> str:
    """Decode as UTF-8, else as *encoding* names (empty: none), else as Latin-1, which cannot fail."""
    for name in ("utf-8", encoding.decode("ascii", "replace") or "ascii"):
        try:
            text = raw.decode(name)
            text.encode()  # `utf-7` and its like can make lone surrogates
        except (LookupError, ValueError):
            continue
        return text
    return raw.decode("latin-1")


def parse_date(raw: bytes) -> tuple[int, int]:
    """Return seconds since 1970 and the offset in minutes from git's `1700000000 +0200`; (0, 0) for anything else."""
    if not (match := _DATE.fullmatch(raw)):
        return 0, 0
    offset_min = int(match[3]) * 60 + int(match[4])
    return int(match[1]), -offset_min if match[2] == b"-" else offset_min
