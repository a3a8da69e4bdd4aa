"""Asks git what shas and names stand for: peeling, presence, abbreviations, files of commits."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .command import GitCommand

_PREFIX = re.compile(r"[0-9a-f]{4,64}")
_SHA = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")


def peel_to_commits(git: GitCommand, names: list[bytes]) -> list[str | None]:
    """Return for each of *names* (shas or ref names) the sha of the commit it leads to, None if to none."""
    found: list[str | None] = []
    while len(found) < len(names):
        asked = b"".join(name + b"^{commit}\n" for name in names[len(found) :])
        lines = git.run(["cat-file", "--batch-check=%(objectname) %(objecttype)"], asked).stdout.splitlines()
        if not lines:
            git.check_readable()
        found += [_get_commit(line) for line in lines]
        if len(found) < len(names):
            found.append(None)  # git dies of a damaged object without a line for it
    return found


def _get_commit(line: bytes) -> str | None:
    sha, _, kind = line.partition(b" ")
    return sha.decode() if kind == b"commit" else None


def is_object(git: GitCommand, sha: bytes) -> bool:
    """Whether *sha* names an object, of any kind, that git can read."""
    return git.run(["cat-file", "-t", sha]).returncode == 0


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


def read_file_at_head(git: GitCommand, path: str) -> bytes | None:
    """Return the content of the tracked file *path* at HEAD; None if there is none."""
    done = git.run(["cat-file", "blob", f"HEAD:{path}"])
    return None if done.returncode else done.stdout
