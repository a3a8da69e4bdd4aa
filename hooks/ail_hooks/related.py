"""Prints at a commit which earlier commits bear on the staged change: at most five lines, usually none.

Never blocks and never fails: without a running daemon, out of time, or below the daemon's bar it prints nothing. It starts no
daemon, because the commit would wait for it. AIL_RELATED=0 switches it off.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ail_client.deadline import Deadline

EVENTS = ("pre-commit", "prepare-commit-msg")
SWITCH = "AIL_RELATED"
LIMIT = "AIL_RELATED_LIMIT_S"
LIMIT_S = 0.12
"""For git and the daemon together, unless $AIL_RELATED_LIMIT_S allows more: 150 ms with the interpreter's start."""

LINES_MAX = 5
_LINE_CHARS = 200
_OFF = ("0", "no", "off", "false")
_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
_WRITTEN_FOR = ("", "template")
_KEEPS_COMMENTS = ("verbatim", "whitespace")
_NO_EDITOR = ":"  # git names it to its hooks where no editor will open
_HEADING = f"What the history says about this change ({SWITCH}=0 keeps it quiet):"


def main(argv: Sequence[str]) -> int:
    """Run the hook *argv*: its event, then git's arguments. Always return 0."""
    gc.disable()  # this process ends before a collection would pay off
    try:
        _run(argv)
    except (Exception, KeyboardInterrupt):  # noqa: BLE001  # a hook never stands in git's way
        return 0
    finally:
        gc.freeze()
    return 0


def _run(argv: Sequence[str]) -> None:
    event = argv[0] if argv else ""
    if event not in EVENTS or os.environ.get(SWITCH, "").lower() in _OFF:
        return
    from ail_client.deadline import Deadline

    deadline = Deadline(_read_limit_s())
    if event == "pre-commit":
        _show(_find_lines(deadline))
    elif len(argv) > 1 and _is_edited(argv[2:3]):
        _write(argv[1], _find_lines(deadline), deadline)


def _read_limit_s() -> float:
    try:
        return min(max(float(os.environ.get(LIMIT, LIMIT_S)), 0.0), 60.0)
    except ValueError:
        return LIMIT_S


def _is_edited(source: Sequence[str]) -> bool:
    """Whether a person is about to write a new message; hook frameworks pass its source in the environment."""
    named = source[0] if source else os.environ.get("PRE_COMMIT_COMMIT_MSG_SOURCE", "")
    return named in _WRITTEN_FOR and os.environ.get("GIT_EDITOR") != _NO_EDITOR


def _show(lines: list[str]) -> None:
    if lines:
        from ail_client.output import write_note

        write_note("\n".join(f"ail: {line}" for line in lines))
        sys.stderr.flush()


def _write(file: str, lines: list[str], deadline: Deadline) -> None:
    """Append *lines* as comments that git strips; nothing if the settings would leave them in the commit.

    At the very end, behind the cut line of `commit -v` and of `--cleanup=scissors`, where git strips them in any case.
    """
    if not lines:
        return
    from ail_client.staged import run_git

    cleanup, _ = run_git(("config", "--get", "--default", "default", "commit.cleanup"), deadline)
    char, _ = run_git(("config", "--get", "--default", "#", "core.commentChar"), deadline)
    if cleanup.decode().strip() in _KEEPS_COMMENTS or char.strip() == b"auto":  # auto: git picks it, and tells no hook
        return
    text = "\n".join((_HEADING, *lines, "")).encode("utf-8", "replace")
    comments, _ = run_git(("stripspace", "-c"), deadline, stdin=text)
    with open(file, "ab") as message:
        message.write(b"\n" + comments)


def _find_lines(deadline: Deadline) -> list[str]:
    """Return the lines about the staged change. Raises AilError without a daemon, time, or repository."""
    from ail_rpc.discovery import find_current

    place = find_current(os.getcwd())
    if any(os.path.lexists(os.path.join(place.git_dir, name)) for name in _UNDER_WAY):
        return []  # a merge, a rebase, a revert: the change was made before, or its reason is known
    return describe(_ask(place.address, deadline))


def _ask(root: str, deadline: Deadline) -> dict[str, Any]:
    from ail_client.connection import connect
    from ail_client.handshake import check_hello, post_hello
    from ail_client.locks import check_directory
    from ail_client.staged import read_staged
    from ail_client.target import to_wire_path
    from ail_rpc.paths import get_socket_path

    socket = get_socket_path()
    check_directory(os.path.dirname(socket))
    with connect(socket, deadline) as connection:
        hello = post_hello(connection)
        connection.flush(deadline)  # the daemon answers while git works
        staged, _is_cut = read_staged(deadline)
        if not staged:  # only the message changes
            return {"citations": [], "companions": []}
        params = {
            "repo": to_wire_path(root),
            "staged": staged,
            "limit": LINES_MAX,
            "by": os.environ.get("GIT_AUTHOR_EMAIL", ""),
        }
        request = connection.post("related", {**params, "timeout": max(deadline.remaining_s(), 0.001)})
        connection.flush(deadline)
        check_hello(connection, hello, deadline)
        reply: dict[str, Any] = connection.receive(request, deadline)
    return reply


def describe(reply: dict[str, Any]) -> list[str]:
    """Return a reply of `related` as at most five lines, safe for a terminal."""
    from ail_client.relations import describe_citation, describe_companion

    said = [describe_citation(citation, has_room=False) for citation in reply["citations"]]
    lines = [*said, *map(describe_companion, reply["companions"])]
    return [line if len(line) <= _LINE_CHARS else line[: _LINE_CHARS - 1] + "…" for line in lines[:LINES_MAX]]
