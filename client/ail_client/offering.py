"""Offers, at a terminal, to add a repository that was never added, so that the question can be asked.

Only where stdin and the outputs are terminals: scripts, hooks and editors get the error with its hint.
"""

from __future__ import annotations

import sys

from .output import is_terminal, write_error_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from ail_rpc.errors import NotEnrolledError

    from .connection import Connection
    from .deadline import Deadline
    from .session import Reach

ENOUGH_S = 30.0
"""How long a question waits for all of a new repository; then it is asked of what is searchable."""


def may_offer(options: Namespace) -> bool:
    """Whether a person reads and can answer: stdin, stdout and stderr are terminals, and the reply is for people."""
    is_for_people = not options.json and getattr(options, "format", None) in (None, "text")
    return is_for_people and all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr)))


def add_if_wanted(reach: Reach, repo: str, err: NotEnrolledError) -> None:
    """Ask whether *repo* is to be added; return once a question can be asked of it. Raises *err* where it is not to be."""
    write_error_text(f"{err.message}\nAdd it now? It is read on this machine alone, in the background. [Y/n] ")
    said = sys.stdin.readline()
    if not said:  # Ctrl-D
        write_error_text("\n")
    if said.strip().lower() not in ("", "y", "yes") or not said:
        raise err
    from .session import call, with_daemon

    def add(connection: Connection, limit: Deadline) -> Any:
        from .progress import wait_until_complete

        call(connection, "repo.add", {"repo": repo}, limit)
        return wait_until_complete(connection, repo, reach.limit_s, ENOUGH_S)

    with_daemon(reach, add)
