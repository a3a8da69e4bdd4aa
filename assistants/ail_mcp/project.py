"""Resolves an assistant's arguments: a repository, a file, lines, a commit. Refuses what looks like an option.

No argument reaches a command line: the daemon is asked over its socket. One that begins with `-` is refused all the same,
since in this way two other servers for git were made to run options of git (CVE-2025-68144, CVE-2025-53107).
"""

from __future__ import annotations

import os
import re

from ail_client.target import find_owner, find_place, to_wire_path
from ail_rpc.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED_BY_HOSTS = ("AIL_MCP_PROJECT", "CLAUDE_PROJECT_DIR")
_SHA = re.compile(r"[0-9a-fA-F]{4,64}")


def find_project(named: str | None, env: Mapping[str, str]) -> str:
    """Return the directory that questions are about by default: `--project`, what the host names, the current one.

    A host that does not know `${workspaceFolder}` hands it on as it is; that names nothing.
    """
    for directory in (named, *(env.get(variable) for variable in _NAMED_BY_HOSTS)):
        if directory and "${" not in directory:
            return os.path.abspath(directory)
    return os.getcwd()


def check_texts(**given: str | list[str] | None) -> None:
    """Raise UsageError for a text that is empty, begins with `-`, or holds a NUL; names are the tool's arguments."""
    for name, value in given.items():
        for text in [value] if isinstance(value, str) else value or []:
            if not text.strip() or text.lstrip().startswith("-") or "\0" in text:
                raise UsageError(f"{name} must be a text that does not begin with `-`: {text[:80]!r}")


def find_repo(repo_path: str | None, project: str) -> str:
    """Return the root of the repository around *repo_path*, which counts from *project*. Raises NotARepositoryError."""
    return to_wire_path(find_place(os.path.join(project, repo_path or "")).root)


def find_file(path: str, repo_path: str | None, project: str) -> tuple[str, str]:
    """Return (repository, *path* as the daemon takes it): the file's own repository, a submodule's too.

    The path is absolute where it exists as seen from the project or from the repository's root; one that is gone is named from
    the root: history may know it. Raises NotARepositoryError.
    """
    start = os.path.join(project, repo_path or "")
    place = find_place(start)
    for seen in (os.path.join(start, path), os.path.join(place.root, path)):
        if os.path.lexists(seen):
            directory, name = os.path.split(os.path.abspath(seen))
            seen = os.path.join(os.path.realpath(directory), name)
            return to_wire_path(find_owner(seen, place, may_leave=repo_path is None).root), to_wire_path(seen)
    return to_wire_path(place.root), path


def find_files(paths: list[str], repo_path: str | None, project: str) -> tuple[str, list[str]]:
    """Return (repository, files) of *paths*. Raises UsageError where they lie in several."""
    found = [find_file(path, repo_path, project) for path in paths]
    repos = {repo for repo, _ in found}
    if len(repos) > 1:
        raise UsageError(f"the paths lie in {len(repos)} repositories", "ask about one at a time")
    return repos.pop(), [file for _, file in found]


def make_lines(start: int | None, end: int | None) -> list[int] | None:
    """Return [first, last] of *start* and *end*, one of which may be missing. Raises UsageError."""
    if start is None and end is None:
        return None
    first, last = start or end or 0, end or start or 0
    if not 1 <= first <= last:
        raise UsageError("start_line and end_line count from 1, the first before the last")
    return [first, last]


def check_sha(sha: str) -> str:
    """Return *sha* if it can name a commit. Raises UsageError."""
    if not _SHA.fullmatch(sha):
        raise UsageError(f"{sha[:80]!r} is no sha", "give 4 to 64 hexadecimal digits")
    return sha
