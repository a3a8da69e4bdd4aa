"""From what a person typed to what the wire carries: the repository it lies in, and the file.

Reads the file system, never git's objects: the daemon knows whether history has the file.
"""

from __future__ import annotations

import os

from ail_rpc.discovery import find_current, find_repository, read_regular
from ail_rpc.errors import NotARepositoryError, UsageError

from .spelling import Spelled, check_name, parse_place, split_function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ail_rpc.discovery import RepoPlace


CONTENTS_MAX_BYTES = 768 << 10
"""The daemon's limit for a file's text."""


class Target:
    """What a question is about. file: from the root of *place*, None for all of it; lines: of the file as it is on disk.

    function: a name in place of lines. at: the commit named in place of HEAD. is_there: whether the file is on disk.
    """

    __slots__ = ("at", "file", "function", "is_there", "lines", "place")

    def __init__(self, place: RepoPlace, spelled: Spelled, file: str | None, is_there: bool) -> None:
        self.place = place
        self.file = file
        self.lines = spelled.lines
        self.at = spelled.at
        self.function = spelled.function
        self.is_there = is_there


def find_place(directory: str | None) -> RepoPlace:
    """Return the repository of *directory* (None: of the current one). Raises NotARepositoryError."""
    if directory is None:
        return find_current(_current_directory())
    if not os.path.exists(directory):  # else a misspelt name would silently mean the repository around it
        raise NotARepositoryError(f"{directory} does not exist", "name the repository's directory with --repo DIR")
    return find_repository(directory)


def name_repository(directory: str | None) -> str:
    """Return the wire's name of the repository of *directory* (None: the current one). Raises NotARepositoryError."""
    return to_wire_path(find_place(directory).address)


def find_owner(path: str, around: RepoPlace, *, may_leave: bool) -> RepoPlace:
    """Return the repository that *path* itself lies in: *around*, or a submodule or another clone in its work tree.

    may_leave: whether it may also lie elsewhere. The file need not be there any more.
    """
    try:
        own = find_repository(os.path.dirname(path))
    except NotARepositoryError:
        return around
    is_within = own.root.startswith(around.root.rstrip("/") + "/")
    return own if is_within or (may_leave and own.root != around.root) else around


def locate(word: str | None, directory: str | None) -> Target:
    """Return what *word* (None: the whole repository) means in the repository of *directory* (None: the current one).

    Raises NotARepositoryError, UsageError.
    """
    return aim(spell(word, directory), directory)


def spell(word: str | None, directory: str | None) -> Spelled:
    """Return how *word* is to be read: a file that has the very name wins. Raises UsageError."""
    if word is None:
        return Spelled(None)
    if is_there(word, directory):
        return Spelled(check_name(word))
    file, function = split_function(word)
    return Spelled(file, function=function) if function and is_there(file, directory) else parse_place(word)


def looks_like_range(word: str, directory: str | None) -> bool:
    """Whether *word* is written as git takes commits, `main..HEAD`, and is no file."""
    before, dots, behind = word.partition("..")
    is_path = before.endswith("/") or behind.startswith("/")
    return bool(before and dots and behind) and not is_path and not is_there(word, directory)


def aim(spelled: Spelled, directory: str | None) -> Target:
    """Return what a place means in the repository of *directory* (None: the current one). Raises as `locate` does."""
    place = _find_start(spelled.file, directory)
    if spelled.file is None:
        return Target(place, spelled, None, is_there=False)
    if place.is_bare:
        return Target(place, spelled, resolve_file(spelled.file, place), is_there=False)
    path = _see(spelled.file, place)
    if os.path.realpath(path) == place.root:
        return Target(place, spelled, None, is_there=True)  # `.`
    own = find_owner(path, place, may_leave=directory is None and not place.is_named)
    file = resolve_file(spelled.file if own is place else path, own)
    return Target(own, spelled, file, os.path.lexists(path))


def _find_start(word: str | None, directory: str | None) -> RepoPlace:
    """Return the current directory's repository; where there is none, that of an absolute *word*."""
    try:
        return find_place(directory)
    except NotARepositoryError:
        if directory is not None or word is None or os.environ.get("GIT_DIR"):
            raise
        path = os.path.join(_current_directory(), word)
        if not os.path.isdir(os.path.dirname(path)):
            raise
        return find_repository(os.path.dirname(path))


def _see(name: str, place: RepoPlace) -> str:
    """Return where *name* is: relative to here, else to the root of *place*; if nowhere, to here."""
    seen = [os.path.join(base, name) for base in (_current_directory(), place.root)]
    return next((path for path in seen if os.path.lexists(path)), seen[0])


def read_contents(target: Target) -> str | None:
    """Return the file's text as the wire carries it, None where it cannot be read, or is larger than a request."""
    try:
        name = os.fsdecode((target.file or "").encode("utf-8", "surrogateescape"))
        text = read_regular(os.path.join(target.place.root, name), CONTENTS_MAX_BYTES + 1)
    except OSError:
        return None
    return text.decode("utf-8", "surrogateescape") if len(text) <= CONTENTS_MAX_BYTES else None


def is_there(name: str, directory: str | None) -> bool:
    """Whether a file, a link or a directory has exactly that *name*, from here or from the root that *directory* lies in."""
    if not name or "\0" in name:
        return False
    if os.path.lexists(name):
        return True
    try:
        return os.path.lexists(os.path.join(find_place(directory).root, name))
    except NotARepositoryError:
        return False


def resolve_file(name: str, place: RepoPlace) -> str:
    """Return *name* relative to the repository's root, as git stores it.

    Relative to the current directory if it exists there, else to the root if it exists there; a file in neither is
    assumed in the current directory if that lies in the repository, else in the root.
    Raises UsageError for a path outside the repository.
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
