"""From the name of a function to its lines, as they stand in the text that is asked about."""

from __future__ import annotations

from dataclasses import replace

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import NotFoundError, UsageError

from ..history.limits import ASKED
from ..history.opening import open_history
from ..history.worktree import LineMap, read_file
from .askparams import AskParams, locate


def resolve_function(asked: AskParams, place: RepoPlace) -> AskParams:
    """Return *asked* with the lines of its function, if it names one. Raises NotFoundError, UsageError.

    The function is looked for in the commit, and its lines are those of the text on the disk, or the given contents.
    """
    if not asked.function:
        return asked
    if not asked.file:
        raise UsageError("a function is named without its file", "for example FILE:function")
    file, history = locate(asked.file, place), open_history(place, limits=ASKED)
    commit = history.find_commit(asked.at or "HEAD")
    if commit is None:
        raise NotFoundError(f"there is no commit {asked.at or 'HEAD'!r:.200}", "`git log` lists the commits")
    first, last = history.find_function(file, asked.function, commit)
    contents = asked.contents.encode("utf-8", "surrogateescape") if asked.contents is not None else None
    if contents is None and not asked.at:
        contents = read_file(place, file)
    mapping = history.map_lines(file, contents, commit) if contents is not None else None
    lines = _map_back(mapping, first, last) if mapping else (first, last)
    if lines is None:
        raise NotFoundError(
            f"{asked.function} stands in {file} no more", "ask with `HEAD:FILE:function` about what did"
        )
    return replace(asked, lines=lines, function=None)


def _map_back(mapping: LineMap, first: int, last: int) -> tuple[int, int] | None:
    """Return which lines of the text are *first* to *last* of the commit's file; None where none is."""
    found = ((line, mapping.find(line)[0]) for line in range(1, mapping.total + 1))
    here = [line for line, there in found if there is not None and first <= there <= last]
    return (here[0], here[-1]) if here else None
