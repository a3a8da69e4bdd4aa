"""From what an editor names to what the daemon takes: the repository that a file lies in, its name there, a text or none."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ail_client.remotes import find_commit_url
from ail_client.target import CONTENTS_MAX_BYTES, find_place, to_wire_path
from ail_rpc.discovery import read_regular
from ail_rpc.errors import NotARepositoryError, UsageError

from .documents import Document, split_lines, to_whole_text


class Place(NamedTuple):
    """A file or a directory of a repository.

    root: its work tree; file: from there, None for a directory; commit_url: what a sha is appended to for its page, "" for none.
    """

    root: str
    file: str | None
    commit_url: str


def to_path(uri: str) -> str | None:
    """Return the path of a `file:` URI; None for every other, as `untitled:` and `git:`, and for one of another host."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        return None
    path = unquote(parts.path, errors="surrogateescape")
    return None if "\0" in path else path


def find_file(uri: str) -> Place:
    """Return the repository and the file that *uri* names; symlinked directories are followed, the file itself is not.

    Raises NotARepositoryError where it lies in none, or in a git directory; UsageError for what is no file.
    """
    path = to_path(uri)
    if path is None:
        raise UsageError("only files on this machine's disk have a history", "save the buffer into a repository")
    directory, name = os.path.split(path)
    directory = os.path.realpath(directory)
    if name in ("", ".", ".."):
        return find_directory(path)
    place = _find(directory)
    return place._replace(file=to_wire_path(os.path.relpath(os.path.join(directory, name), place.root)))


def find_directory(path: str) -> Place:
    """Return the repository around the directory *path*. Raises NotARepositoryError."""
    return _find(os.path.realpath(path))


def _find(directory: str) -> Place:
    found = find_place(directory)
    if found.is_bare:
        raise NotARepositoryError(f"{directory} lies in no work tree", "open a file of the repository's work tree")
    return Place(found.root, None, find_commit_url(found.common_dir))


def read_contents(document: Document) -> tuple[str | None, str]:
    """Return the text in which the document's lines are counted, None for that of the file on the disk; and a note, "" for none.

    The text is left out where the disk has the same lines, and, with the note, where it is larger than a request.
    """
    if not document.is_open:
        return None, ""
    path = to_path(document.uri)
    try:
        stored = read_regular(path, CONTENTS_MAX_BYTES + 1) if path else b""
    except OSError:
        stored = b""
    if not document.is_changed and len(split_lines(stored.decode("utf-8", "replace"))) == len(document.lines):
        return None, ""
    text = to_whole_text(document.text)
    if text.encode() == stored:
        return None, ""
    size_bytes = len(text.encode())
    if size_bytes > CONTENTS_MAX_BYTES and not document.is_changed and size_bytes == _get_size(path):
        return None, ""  # it was not read as a whole, but is what was opened
    if size_bytes > CONTENTS_MAX_BYTES:
        return None, "the buffer is large and not saved: lines are counted as in the file on the disk"
    return text, ""


def _get_size(path: str | None) -> int | None:
    try:
        return os.stat(path).st_size if path else None
    except OSError:
        return None
