"""Turns the stream that git prints for commits into Commits. Pure: bytes in, Commits out.

`git diff-tree --stdin -z --name-status --format=FORMAT` prints, each ended by NUL, eight fields a commit, then for each
changed path its status letter and one path, two for a rename. The first letter follows a newline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ail_daemon.model import Commit

FORMAT = "%x00".join(("%H", "%P", "%e", "%an", "%ae", "%ad", "%ct", "%B"))
"""With `--date=raw --encoding=UTF-8`: git recodes what it can and leaves bytes as they are where it cannot."""

_STATUS_LENGTH = 6  # "\nR100" and shorter; a sha has 40 or 64
_DATE = re.compile(rb"(-?\d{1,18}) ([+-])(\d{1,2})(\d\d)")


def iter_tokens(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Split a stream at its NULs; what follows the last one is dropped."""
    rest = b""
    for chunk in chunks:
        parts = (rest + chunk).split(b"\0")
        rest = parts.pop()
        yield from parts


def iter_records(tokens: Iterator[bytes]) -> Iterator[Commit]:
    """Yield Commits from *tokens*. The last one comes when they end: if git died, it may be cut off."""
    token = next(tokens, None)
    while token is not None:
        fields = [token, *(next(tokens, b"") for _ in range(7))]
        paths: dict[str, None] = {}  # a set that keeps git's order
        renames: list[tuple[str, str]] = []
        while (token := next(tokens, None)) is not None and len(token) < _STATUS_LENGTH:
            path = next(tokens, b"").decode("utf-8", "surrogateescape")
            paths[path] = None
            if b"R" in token:
                renamed = next(tokens, b"").decode("utf-8", "surrogateescape")
                paths[renamed] = None
                renames.append((path, renamed))
        yield _make_commit(fields, tuple(paths), tuple(renames))


def _make_commit(fields: list[bytes], paths: tuple[str, ...], renames: tuple[tuple[str, str], ...]) -> Commit:
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
