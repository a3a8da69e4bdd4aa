"""The commands that look after repositories and the daemon: options to a request, a reply to an exit status."""

from __future__ import annotations

import os

from ail_rpc.errors import NotARepositoryError, UnavailableError

from .output import flush, write_answer, write_json, write_note
from .sanitise import to_block, to_path
from .session import Reach, ask_daemon, call, stop_daemon, with_daemon
from .target import name_repository, to_wire_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from .connection import Connection
    from .deadline import Deadline

_DID_NOT_HOLD = 1
_LONG_LIMIT_S = 3600.0  # checks walk the whole history, backups copy every index
_SAMPLE_LIMIT_S = 60.0
_LAST_QUESTION_S = 5.0  # a question under way at the limit is finished


def run_add(options: Namespace, reach: Reach) -> int:
    """Enrol a repository; with --wait, return when all of it is searchable."""
    repo = name_repository(options.directory or options.repo)

    def add(connection: Connection, limit: Deadline) -> dict[str, Any]:
        added: dict[str, Any] = call(connection, "repo.add", {"repo": repo}, limit)
        if options.wait:
            from .progress import wait_until_complete

            added |= wait_until_complete(connection, repo, reach.limit_s)
        return added

    added = with_daemon(reach, add)
    for told in (added.get("notice"), added.get("unread")):
        if told and not options.json:
            write_note(f"note: {told}")
    _print(options, added, f"{'searchable' if options.wait else 'added'}: {to_path(repo)}")
    if options.wait and not options.json:
        flush()  # else a log has the last line first
        write_note(_say_next(repo))
    return 0


def _say_next(repo: str) -> str:
    """Return the line that says what to do with a searchable repository."""
    here = os.getcwd()
    there = here == repo or here.startswith(f"{repo.rstrip('/')}/")
    return f'next: {"" if there else f"cd {to_path(repo)}; "}git why "why …?" or git why FILE:LINE "why …?"'


def run_remove(options: Namespace, reach: Reach) -> int:
    """Remove a repository, also one that is not on the disk any more."""
    named = options.directory or options.repo
    try:
        repo = name_repository(named)
    except NotARepositoryError:
        if named is None:
            raise
        repo = to_wire_path(os.path.realpath(named))
    removed = ask_daemon(reach, "repo.remove", {"repo": repo, "purge": options.purge})
    return _print(options, removed, f"removed: {to_path(repo)}")


def run_repos(options: Namespace, reach: Reach) -> int:
    """List the repositories."""
    listed = ask_daemon(reach, "repo.list", {})
    if options.json:
        return _print(options, listed)
    from .layout import get_page
    from .tables import render_repos

    repos = listed["repos"] if isinstance(listed, dict) else listed
    if not repos:
        write_note("no repository has been added: `ail-client add DIR` adds one")
        return 0
    return _print(options, listed, render_repos(repos, get_page()))


def run_status(options: Namespace, reach: Reach) -> int:
    """Show what the daemon is and does."""
    params = {} if options.repo is None else {"repo": name_repository(options.repo)}
    status = ask_daemon(reach, "status", params)
    if options.json:
        return _print(options, status)
    from .layout import get_page
    from .tables import render_status

    return _print(options, status, render_status(status, get_page()))


def run_health(options: Namespace, reach: Reach) -> int:
    """0 if the probe holds, 1 if it does not, whatever the reason. Never starts a daemon: a probe must not repair."""
    reach.may_start = False
    try:
        health = ask_daemon(reach, "health", {"kind": options.probe})
    except UnavailableError as err:
        write_note(f"not {options.probe}: {err.message}")
        return _DID_NOT_HOLD
    _print(options, health, "")
    if health.get("ok") is True:
        return 0
    write_note(f"not {options.probe}: {health.get('reason') or 'the daemon says so'}")
    return _DID_NOT_HOLD


def run_stop(options: Namespace, reach: Reach) -> int:
    """Stop the daemon, if one runs."""
    was_running = stop_daemon(reach)
    if options.json:
        return _print(options, {"stopped": was_running})
    write_note("the daemon has stopped" if was_running else "no daemon runs")
    return 0


def run_check(options: Namespace, reach: Reach) -> int:
    """Have the daemon check its index, or whether its two sides agree; 1 where a check fails."""
    params = _get_repo(options)
    if options.subject == "consistency":
        params |= _limit_sample(options, reach)
    elif not options.timeout_given:
        reach.limit_s = max(reach.limit_s, _LONG_LIMIT_S)
    result = ask_daemon(reach, f"check.{options.subject}", params)
    if options.json:
        _print(options, result)
    else:
        write_answer(_render_check(options.subject, result))
    return 0 if result.get("ok") is True else _DID_NOT_HOLD


def _limit_sample(options: Namespace, reach: Reach) -> dict[str, Any]:
    """Return how many questions to ask, and for how long: the daemon then returns what it has."""
    sampled: dict[str, Any] = {"sample": options.sample} if options.sample else {}
    limit_s = reach.limit_s if options.timeout_given else _SAMPLE_LIMIT_S
    reach.limit_s = limit_s + _LAST_QUESTION_S
    return sampled | {"timeout": limit_s}


def _render_check(subject: str, result: dict[str, Any]) -> str:
    if subject == "index":
        from .tables import render_check

        return render_check(result)
    from .comparisons import render_consistency

    return render_consistency(result)


def run_metrics(options: Namespace, reach: Reach) -> int:
    """Print the metrics as Prometheus reads them, or as JSON with percentiles."""
    found = ask_daemon(reach, "metrics", {"json": True} if options.json else {})
    return _print(options, found, "\n".join(to_block(found)).rstrip("\n") if isinstance(found, str) else None)


def run_keep(options: Namespace, reach: Reach) -> int:
    """`backup`, `restore`: a file that the daemon writes or reads, in as long as that takes."""
    if not options.timeout_given:
        reach.limit_s = max(reach.limit_s, _LONG_LIMIT_S)
    params = _get_repo(options) | {"file": to_wire_path(os.path.abspath(options.file))}
    kept = ask_daemon(reach, options.command, params)
    if options.json:
        return _print(options, kept)
    from .tables import render_kept

    return _print(options, kept, render_kept(options.command, kept))


def _get_repo(options: Namespace) -> dict[str, Any]:
    return {} if options.repo is None else {"repo": name_repository(options.repo)}


def _print(options: Namespace, reply: object, text: str | None = None) -> int:
    """Print *reply* as JSON if asked for, else *text*, which is safe (None: every field of the reply, "": nothing); 0."""
    if options.json:
        write_json(reply)
    elif text is None:
        from .tables import render_fields

        write_answer(render_fields(reply))
    elif text:
        write_answer(text, may_page=options.pager)
    return 0
