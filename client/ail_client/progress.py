"""`add --wait`: waits for a repository to be searchable, with progress on stderr."""

from __future__ import annotations

import gc
import math
import sys
import time

from ail_rpc.errors import NotEnrolledError, RepoUnreadableError

from .deadline import Deadline
from .layout import describe_preparing, describe_progress
from .output import is_terminal, write_note
from .sanitise import to_line
from .session import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .connection import Connection

POLL_S = 0.2
TELL_S = 10.0
_READ = ("embedding", "changes")  # phases in which words find every commit


def wait_until_complete(
    connection: Connection, repo: str, limit_s: float, enough_s: float = math.inf
) -> dict[str, Any]:
    """Return the status of *repo* once all of it is searchable, by meaning where the daemon prepares a model.

    limit_s: bounds each request, not the wait. enough_s: after it, it suffices that all commits are read: words find them.

    Raises RepoUnreadableError with the daemon's notice where indexing gave up, NotEnrolledError if *repo* is removed.
    """
    gc.enable()  # `main` turned it off for commands that end at once
    line, began = ProgressLine(), time.monotonic()
    try:
        while True:
            state, preparing_s = _look(connection, repo, limit_s)
            is_complete = bool(state.get("complete"))
            is_read = is_complete or state.get("phase") in _READ
            if (is_complete and preparing_s is None) or (is_read and time.monotonic() - began > enough_s):
                return state
            if state.get("notice") and state.get("phase") == "idle" and not is_complete:
                raise RepoUnreadableError(f"{repo}: {state['notice']}", "`ail-client status` shows how far it came")
            line.show(describe_preparing(preparing_s or 0) if is_complete else describe_progress(state))
            time.sleep(POLL_S)
    finally:
        line.clear()


class ProgressLine:
    """One line, updated in place on a terminal; elsewhere, as in a log, a line every ten seconds."""

    def __init__(self) -> None:
        self._is_terminal = is_terminal(sys.stderr)
        self._is_dirty = False
        self._told = time.monotonic()

    def show(self, text: str) -> None:
        """Show *text*; without a terminal, at most every TELL_S."""
        if not self._is_terminal:
            if time.monotonic() - self._told >= TELL_S:
                self._told = time.monotonic()
                write_note(text)
        else:
            self._is_dirty = True
            sys.stderr.write(f"\r\x1b[K{to_line(text)[: _columns() - 1]}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Clear the line, so that what follows begins on an empty one."""
        if self._is_dirty:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _columns() -> int:
    import os

    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def _look(connection: Connection, repo: str, limit_s: float) -> tuple[dict[str, Any], float | None]:
    """Return the state of *repo*, and for how many seconds a model has been in preparation, None where none is."""
    status: dict[str, Any] = call(connection, "status", {"repo": repo}, Deadline(limit_s))
    if not status["repos"]:
        raise NotEnrolledError(f"{repo} has been removed meanwhile", f"ail-client add {repo}")
    return status["repos"][0], status.get("preparing_s")
