"""`ail-daemon build`: makes indexes while no daemon runs, with the daemon's own parts.

For machines that prepare an index for later or for others: a daemon that is started afterwards uses it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import Future
from time import sleep

from ail_rpc.errors import AilError, RepoUnreadableError

from ..encoding.encoders import ServingEncoder
from ..flags import Flags
from ..indexing import skipping
from ..indexing.indexer import Indexer
from ..indexing.opening import Indexing, open_indexing
from ..repos.repo import Repo

_LOOK_S = 0.5
_TELL_EVERY = 20  # looks, where stderr is no terminal


def build(flags: Flags, named: Sequence[str]) -> int:
    """Enrol and index the repositories that the directories *named* lie in; return the exit status.

    To be called with the daemon's locks held. A directory that fails is reported on stderr and does not stop the others; the
    status is then that of the first failure. If interrupted, what was done is kept.
    """
    indexing = open_indexing(flags, is_on_battery=lambda: False)  # somebody waits for it: that is asking for it
    indexing.indexer.start()
    try:
        _await_model(indexing.encoder)
        statuses = [_try(indexing, start) for start in named]
    finally:
        indexing.encoder.stop()
        indexing.indexer.stop()
        indexing.repos.close()
    return next(filter(None, statuses), 0)


def _await_model(encoder: ServingEncoder) -> None:
    """Load the model; where it is missing and can be prepared, wait for that. Where there is none then, say so."""
    is_there, looks = encoder.get() is not None, 0
    while encoder.preparing_s is not None:
        looks += 1
        _tell(f"preparing the model, {encoder.preparing_s or 0:.0f} s", looks)
        sleep(_LOOK_S)
    _show_end()
    if not is_there and encoder.loaded is None:
        _say(f"note: {encoder.notice}")


def _try(indexing: Indexing, start: str) -> int:
    try:
        _build_one(indexing.indexer, indexing.repos.add(start))
    except AilError as err:
        _say(f"ail-daemon: {err.message}" + (f"\nhint: {err.hint}" if err.hint else ""))
        return err.exit_status
    return 0


def _build_one(indexer: Indexer, repo: Repo) -> None:
    indexer.forget(repo)
    looks = 0
    update = indexer.request(repo, "add")
    while not _is_done(update.done) or repo.progress.phase != "idle":
        if update.done.done():
            update = indexer.request(repo, "add")  # the one that follows: a worker died
        looks += 1
        _show(repo, looks)
    _show_end()
    if repo.notice:
        raise RepoUnreadableError(f"{repo.place.root}: {repo.notice}", "what was read of it is kept; build it again")
    skipped = skipping.describe(int(repo.settled.get("skipped") or 0))
    _say(
        f"searchable: {repo.place.root}, {repo.settled.get('commits', 0):,} commits"
        + (f"\nnote: {skipped}" if skipped else "")
    )


def _is_done(done: Future[None]) -> bool:
    try:
        done.result(_LOOK_S)
    except TimeoutError:
        return False
    return True


def _show(repo: Repo, looks: int) -> None:
    progress = repo.progress.describe()
    line = f"{repo.place.root}: {progress['phase']} {progress['done']:,} of {progress['of']:,}"
    line += f", {progress['rate']:,.0f}/s" if progress["rate"] else ""
    _tell(line, looks)


def _tell(line: str, looks: int) -> None:
    """Show *line*, which renews itself on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()
    elif looks % _TELL_EVERY == 0:
        _say(line)


def _show_end() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


def _say(text: str) -> None:
    print("".join(c if c.isprintable() or c == "\n" else "�" for c in text), file=sys.stderr, flush=True)  # noqa: T201
