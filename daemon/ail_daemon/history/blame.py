"""Asks git which commits the lines of a file come from (`git blame`), and which ever changed them (`git log -L`)."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from ail_rpc.errors import NotFoundError, OutOfTimeError, RepoUnreadableError, UsageError

from .command import GitCommand, Stop, get_reason
from .objects import read_file
from .refs import read_shallow_boundary

_LINE = re.compile(rb"^([0-9a-f]{40,64}) \d+ (\d+)", re.MULTILINE)  # the file's own text follows a tab
_FULL_SHA = re.compile(rb"^(?:[0-9a-f]{40}|[0-9a-f]{64})(?=\s|$)", re.MULTILINE)
_TOO_SHORT = re.compile(r"has only (\d+) lines?")

# Without --no-textconv, blame runs textconv, and the smudge filter before it.
# --no-ignore-revs-file: git sorts its list, so that an empty blame.ignoreRevsFile of ours comes before the one
# that is configured and clears nothing; /etc/passwd there has its first line quoted in the error.
_BLAME = ("blame", "-w", "-M", "-C", "--porcelain", "--no-textconv", "--no-ext-diff", "--no-ignore-revs-file")


def blame(
    git: GitCommand, file: str, first: int, last: int, timeout_s: float, commit: str = "HEAD"
) -> list[tuple[int, str]]:
    """Return (line number, sha) of the lines *first* to *last* of *file* in *commit*; see History.blame."""
    if not 1 <= first <= last:
        raise UsageError(f"{first}-{last} is no range of lines", "lines count from 1: FILE:FIRST-LAST")
    path = file.encode("utf-8", "surrogateescape")
    if not path or b"\0" in path:
        raise NotFoundError(f"{file!r} names no file")
    with _ignored_revisions(git) as ignoring:
        options = [*_BLAME, *ignoring, f"-L{first},{last}"]
        done = git.run([*options, commit, "--", path], timeout_s=timeout_s)
    if done.returncode:
        raise _translate(git, file, get_reason(done.stderr))
    return _read_blamed(git, done.stdout)


def blame_all(git: GitCommand, file: str, commit: str, stop: Stop) -> dict[int, str] | None:
    """Return line number -> sha for every line of *file* in *commit*; None where git cannot tell, or until *stop* is set."""
    if not file or "\0" in file or stop.is_set():  # a git started now could be done before it is ended
        return None
    with _ignored_revisions(git) as ignoring, contextlib.suppress(OutOfTimeError):
        options = [*_BLAME, *ignoring, commit, "--", file]
        with git.stream(options, []) as output, stop.ending(output):
            read = b"".join(output.iter_chunks())
            return dict(_read_blamed(git, read)) if output.is_whole() else None
    return None


def _read_blamed(git: GitCommand, output: bytes) -> list[tuple[int, str]]:
    """Return (line, sha) of what blame printed, but for lines older than a shallow clone knows."""
    boundary = read_shallow_boundary(git.place)
    lines = [(int(line), sha.decode()) for sha, line in _LINE.findall(output)]
    return [(line, sha) for line, sha in lines if sha not in boundary]


def read_ignored_revisions(git: GitCommand) -> list[str]:
    """Return the commits that `.git-blame-ignore-revs` lists at HEAD."""
    listed = read_file(git, ".git-blame-ignore-revs") or b""
    return [sha.decode() for sha in _FULL_SHA.findall(listed)]


@contextmanager
def _ignored_revisions(git: GitCommand) -> Iterator[list[str]]:
    """Yield the options that make blame ignore those commits; git fails on anything in the file but full shas."""
    listed = read_ignored_revisions(git)
    if not listed:
        yield []
        return
    with tempfile.NamedTemporaryFile("w") as revisions:
        revisions.write("\n".join(listed))
        revisions.flush()
        yield ["--ignore-revs-file", revisions.name]


def _translate(git: GitCommand, file: str, reason: str) -> Exception:
    if match := _TOO_SHORT.search(reason):
        return UsageError(f"{file} has {match[1]} lines at HEAD", "name lines of the file as it was committed last")
    git.check_readable()
    if any(words in reason for words in ("no such path", "outside repository", "unsupported file type", "HEAD")):
        return NotFoundError(f"{file} is not a file at HEAD", "blame needs a committed file")
    if "promisor" in reason:
        return RepoUnreadableError(
            f"this partial clone lacks what blame of {file} needs", f"fetch it once: `git blame {file}`"
        )
    return RepoUnreadableError(f"git blame failed: {reason}", "`git fsck` there says more")


_MOST = 200  # commits of one range of lines; older ones say little about what stands there now


def log_lines(git: GitCommand, file: str, first: int, last: int, stop: Stop, commit: str = "HEAD") -> list[str]:
    """Return shas of commits that changed the lines *first* to *last* of *file* in *commit*, newest first.

    Renames are followed. Left out are what `.git-blame-ignore-revs` lists, and the commits at which a shallow clone is cut off:
    they seem to have made all that is older. What was found until *stop* is set is returned; [] where git cannot tell (no such
    file, no such lines).
    """
    if "\0" in file:
        return []
    # -s: the patches are not printed, though made. `--no-textconv` as in blame: a configured program must not run.
    options = [
        "log",
        f"-L{first},{last}:{file}",
        "-s",
        "--format=%H",
        "--no-textconv",
        "--no-ext-diff",
        f"-{_MOST}",
        commit,
        "--",
    ]
    found: list[str] = []
    with git.stream(options, []) as output, stop.ending(output), contextlib.suppress(OutOfTimeError):
        found.extend(line.decode("ascii", "replace").strip() for line in output.lines)
    left_out = {*read_ignored_revisions(git), *read_shallow_boundary(git.place)} if found else set()
    return [sha for sha in found if sha not in left_out]
