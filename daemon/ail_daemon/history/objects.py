"""Resolves shas and names: peeling, presence, abbreviations, files of commits, times and parents."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence

from ail_rpc.errors import OutOfTimeError, RepoUnreadableError

from .command import GitCommand

_TOO_MANY = 100
_PREFIX = re.compile(r"[0-9a-f]{4,64}")
_SHA = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")


def peel_to_commits(git: GitCommand, names: list[bytes]) -> list[str | None]:
    """Return for each of *names* (shas or ref names) the sha of the commit it leads to, None if to none.

    Those that lead to none are asked for again, one by one: git says "missing" also of a file that it could not open.
    Raises RepoUnreadableError if git dies of more than a hundred: each costs a process.
    """
    found = _peel(git, names)
    lost = [name for name, sha in zip(names, found, strict=True) if sha is None]
    if lost and (any(_peel(git, lost)) or _is_commit(git, lost[0])):
        raise RepoUnreadableError(f"git could not say what is in {git.place.root}", "it is tried again within a minute")
    return found


def _peel(git: GitCommand, names: list[bytes]) -> list[str | None]:
    lines = _check_all(git, names, b"^{commit}", "%(objectname) %(objecttype)")
    return [_get_commit(line or b"") for line in lines]


def _is_commit(git: GitCommand, name: bytes) -> bool:
    """Whether *name* leads to a readable commit; by git's exit status, as printing may be what failed."""
    return git.run(["cat-file", "-e", name + b"^{commit}"]).returncode == 0


def _check_all(git: GitCommand, names: list[bytes], suffix: bytes, form: str) -> list[bytes | None]:
    """Return git's line for each of *names*, None if git died of it."""
    found: list[bytes | None] = []
    deaths = 0
    while len(found) < len(names):
        asked = b"".join(name + suffix + b"\n" for name in names[len(found) :])
        lines = git.run(["cat-file", f"--batch-check={form}"], asked).stdout.splitlines()
        if not lines:
            git.check_readable()
        found += lines
        if len(found) < len(names):
            found.append(None)  # git dies of a damaged object without a line for it
            deaths += 1
            if deaths > _TOO_MANY:
                raise RepoUnreadableError(
                    f"{git.place.root} is damaged: more than {_TOO_MANY} refs cannot be read", "see `git fsck` there"
                )
    return found


def _get_commit(line: bytes) -> str | None:
    sha, _, kind = line.partition(b" ")
    return sha.decode() if kind == b"commit" else None


def find_unreadable(git: GitCommand, shas: list[bytes]) -> set[bytes]:
    """Return those of *shas* that name no object, of whatever kind, which git can read. Raises as `peel_to_commits`."""
    lines = _check_all(git, shas, b"", "%(objecttype)")
    return {sha for sha, line in zip(shas, lines, strict=True) if line is None or b" " in line}  # "sha missing"


def list_all(git: GitCommand) -> set[str]:
    """Return every object that is here: git has no other way to say what a partial clone lacks."""
    with git.stream(["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)"], []) as output:
        return {line[:-1].decode() for line in output.lines}


def has_commit(git: GitCommand, sha: str) -> bool:
    """Whether the full *sha* is a commit that can be read."""
    return bool(_SHA.fullmatch(sha)) and peel_to_commits(git, [sha.encode()]) == [sha]


def has_all_commits(git: GitCommand, shas: Iterable[str]) -> bool:
    """Whether every one of the full *shas* is a commit that can be read."""
    asked = list(shas)
    return peel_to_commits(git, [sha.encode() for sha in asked]) == asked


def find_sha(git: GitCommand, prefix: str) -> str | None:
    """Return the one commit whose sha begins with *prefix*. Not `rev-parse prefix`: a branch may be called `decade`."""
    prefix = prefix.lower()
    if not _PREFIX.fullmatch(prefix):
        return None
    objects = git.read(["rev-parse", f"--disambiguate={prefix}"]).split()
    commits = {sha for sha, found in zip(objects, peel_to_commits(git, objects), strict=True) if sha.decode() == found}
    return commits.pop().decode() if len(commits) == 1 else None


def find_commit(git: GitCommand, name: str) -> str | None:
    """Return the commit that a ref or any other name git knows leads to, None if to none; asked on stdin: `--x` is a name."""
    asked = name.encode("utf-8", "surrogateescape")
    return None if not asked or b"\n" in asked or b"\0" in asked else peel_to_commits(git, [asked])[0]


def read_file(git: GitCommand, path: str, commit: str = "HEAD") -> bytes | None:
    """Return the content of the tracked file *path* in *commit*; None if there is none."""
    done = git.run(["cat-file", "blob", f"{commit}:{path}"])
    return None if done.returncode else done.stdout


_MAILMAP = ".mailmap"


def map_authors(git: GitCommand, authors: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return (name, email) -> the `name <email>` that the mailmap at HEAD gives it; {} without one."""
    if not authors or read_file(git, _MAILMAP) is None:
        return {}
    asked = "".join(f"{name} <{email}>\n" for name, email in authors).encode("utf-8", "surrogateescape")
    done = git.run(["-c", f"mailmap.blob=HEAD:{_MAILMAP}", "check-mailmap", "--stdin"], asked)
    printed = done.stdout.decode("utf-8", "replace").splitlines()
    return dict(zip(authors, printed, strict=True)) if len(printed) == len(authors) else {}


_PATH_LIMIT_S = 1.0


def knows_path(git: GitCommand, path: str) -> bool:
    """Whether any commit changed *path*; False where that takes longer than a second: every commit may have to be looked at."""
    if "\0" in path:
        return False
    literal = b":(top,literal)" + path.encode("utf-8", "surrogateescape")
    try:
        found = git.run([b"rev-list", b"-1", b"--all", b"HEAD", b"--", literal], timeout_s=_PATH_LIMIT_S)
    except OutOfTimeError:
        return False
    return bool(found.stdout.strip())


_PARENT = re.compile(rb"^parent ([0-9a-f]{40,64})$", re.MULTILINE)
_TIME = re.compile(rb"^committer .*> (-?\d{1,18}) ", re.MULTILINE)


class ParentReader:
    """Answers for damaged commits too: git dies of them and is started again. To be closed.

    A commit is damaged once two have died of it: one may have died of something else, a disk that failed for a moment.
    """

    def __init__(self, git: GitCommand, boundary: frozenset[str]) -> None:
        self._git = git
        self._boundary = boundary
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, sha: str) -> tuple[int, tuple[str, ...]] | None:
        """Return (commit time, parents), no parents at a shallow boundary; None for what is missing or damaged."""
        raw = self._read_raw(sha) or self._read_again(sha)
        if raw is None:
            self.close()
            return None
        head = raw.partition(b"\n\n")[0]
        time = _TIME.search(head)
        parents = () if sha in self._boundary else tuple(parent.decode() for parent in _PARENT.findall(head))
        return int(time[1]) if time else 0, parents

    def close(self) -> None:
        """End git."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _read_again(self, sha: str) -> bytes | None:
        self.close()
        return self._read_raw(sha)

    def _read_raw(self, sha: str) -> bytes | None:
        self._process = self._process or self._git.converse(["cat-file", "--batch=%(objecttype) %(objectsize)"])
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return None
        try:
            stdin.write(f"{sha}\n".encode())
            stdin.flush()
        except BrokenPipeError:  # git has died since it answered last
            return None
        kind, _, size = stdout.readline().partition(b" ")
        return stdout.read(int(size) + 1) if kind == b"commit" else None
