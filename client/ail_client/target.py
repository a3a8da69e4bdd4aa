"""FILE[:LINE[-LINE]] and the repository it lies in: from what a person typed to what the wire carries.

Looks at the file system, never at git's objects: whether history knows the file is the daemon's to say.
"""

from __future__ import annotations

import os

from ail_rpc.discovery import find_repository
from ail_rpc.errors import NotARepositoryError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ail_rpc.discovery import RepoPlace

_MAX_LINE_DIGITS = 9  # 999,999,999 lines; the wire carries ints below 2**63


def parse_target(text: str) -> tuple[str, list[int] | None]:
    """Return (file, [first, last] or None): only a trailing `:N` or `:N-M` is a line, other colons belong to the name.

    Raises UsageError for lines that begin at 0 or end before they begin, and for no file.
    """
    file, colon, tail = text.rpartition(":")
    first, dash, last = tail.partition("-")
    if not colon or not _is_number(first) or (dash and not _is_number(last)):
        return _named(text), None
    if max(len(first), len(last)) > _MAX_LINE_DIGITS:
        raise UsageError(f"{text}: no file has that many lines")
    lines = [int(first), int(last) if dash else int(first)]
    if not 1 <= lines[0] <= lines[1]:
        raise UsageError(
            f"{text}: lines are counted from 1, the first before the last", "for example src/http.py:120-124"
        )
    return _named(file), lines


def find_place(directory: str | None) -> RepoPlace:
    """Return the repository of *directory* (None: of the current one). Raises NotARepositoryError."""
    start = _current_directory() if directory is None else directory
    if not os.path.exists(start):  # else a misspelt name would quietly mean the repository around it
        raise NotARepositoryError(f"{start} does not exist", "name the repository's directory with --repo DIR")
    return find_repository(start)


def resolve_file(name: str, place: RepoPlace) -> str:
    """Return *name* relative to the repository's root, as git stores it.

    Relative to the current directory if it is there, else to the root if it is there; a file that is in neither is
    taken to have been in the current directory if that lies in the repository, else in the root.
    Raises UsageError where that leads out of the repository.
    """
    if place.is_bare:
        return _in_tree(name)
    from_root = _inside(os.path.join(place.root, name), place.root)
    from_here = _inside(os.path.join(_current_directory(), name), place.root)
    found = from_here or from_root
    if from_root and not (from_here and _exists(from_here, place.root)) and _exists(from_root, place.root):
        found = from_root
    if not found:
        raise UsageError(f"{name} is no file of the repository {place.root}", "name the repository with --repo DIR")
    return to_wire_path(found)


def to_wire_path(path: str) -> str:
    """Return *path* so that packing it as UTF-8 restores its bytes, whatever encoding this locale has."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def _current_directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError as err:
        raise NotARepositoryError("the current directory has been removed", "change into one that exists") from err


def _named(file: str) -> str:
    if not file or "\0" in file:
        raise UsageError("FILE is empty", "leave it out to ask about the whole repository")
    return file


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _inside(path: str, root: str) -> str | None:
    """Return *path* relative to *root*, None if it lies elsewhere; links are followed, but for the file itself."""
    head, tail = os.path.split(path.rstrip("/"))
    real = os.path.realpath(path) if tail in ("", ".", "..") else os.path.join(os.path.realpath(head), tail)
    prefix = root.rstrip("/") + "/"
    return real[len(prefix) :] if real.startswith(prefix) else None


def _exists(relative: str, root: str) -> bool:
    return os.path.lexists(os.path.join(root, relative))


def _in_tree(name: str) -> str:
    """Return *name* from the top of the tree: a bare repository has no directory to look into."""
    path = os.path.normpath(name)
    if os.path.isabs(path) or path.split("/", 1)[0] in ("..", "."):
        raise UsageError(f"{name} is no file of a bare repository", "name it from the top of the tree: src/http.py")
    return to_wire_path(path)
