"""Asks git which commits ever changed some lines of a file: `git log -L`, as far as it comes in the time allowed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ail_rpc.errors import OutOfTimeError

from .blame import read_ignored_revisions
from .command import GitCommand, GitOutput

_MOST = 200  # commits of one range of lines; older ones say little about what stands there now


def log_lines(git: GitCommand, file: str, first: int, last: int, stop: threading.Event) -> list[str]:
    """Return shas of commits that changed the lines *first* to *last* of *file* at HEAD, newest first.

    Renames are followed, what `.git-blame-ignore-revs` lists is left out. What was found until *stop* is set is returned; []
    where git cannot tell (no such file, no such lines).
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
        "HEAD",
        "--",
    ]
    found: list[str] = []
    with git.stream(options, []) as output, _ended_by(stop, output), contextlib.suppress(OutOfTimeError):
        found.extend(line.decode("ascii", "replace").strip() for line in output.lines)
    ignored = set(read_ignored_revisions(git)) if found else set()
    return [sha for sha in found if sha not in ignored]


@contextmanager
def _ended_by(stop: threading.Event, output: GitOutput) -> Iterator[None]:
    """End the process behind *output* when *stop* is set, which it is on leaving."""

    def wait() -> None:
        stop.wait()
        output.end()

    watching = threading.Thread(target=wait, name="log-lines", daemon=True)
    watching.start()
    try:
        yield
    finally:
        stop.set()
        watching.join()
