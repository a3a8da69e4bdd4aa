"""`ail-client doctor`: what the client checks itself, then the daemon's checks of all that is heavy.

Where no daemon answers, `ail-daemon doctor` checks the same in a process of its own, so that the command helps when it is
needed most.
"""

from __future__ import annotations

import os
import stat
import sys

from ail_rpc import VERSION
from ail_rpc.errors import AilError, RepoError, UsageError

from .locks import check_directory
from .output import write_answer, write_json
from .session import Reach, ask_daemon
from .target import name_repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    Check = dict[str, str]

_LIMIT_S = 60.0  # checking a large index on a slow disk; a stuck daemon is still recognised after 2 s
_NOT_WELL = 1


def run_doctor(options: Namespace, reach: Reach) -> int:
    """Check for what keeps AIL from working well; 1 where a check fails, 0 with warnings."""
    params = {} if options.repo is None else {"repo": name_repository(options.repo)}
    checks = [_look_at_client(), *_look_at_daemon(options, reach, params)]
    is_well = all(check["state"] != "fail" for check in checks)
    if options.json:
        write_json({"ok": is_well, "checks": checks})
    else:
        from .findings import render_findings
        from .layout import get_page

        write_answer(render_findings(checks, get_page()), may_page=options.pager)
    return 0 if is_well else _NOT_WELL


def make_check(name: str, state: str, said: str, todo: str = "") -> Check:
    """Return a finding in the daemon's form: *state* is ok, warn or fail."""
    return {"name": name, "state": state, "said": said, "todo": todo}


def _look_at_client() -> Check:
    python = ".".join(map(str, sys.version_info[:3]))
    return make_check("client", "ok", f"ail-client {VERSION}, Python {python}, {sys.executable}")


def _look_at_daemon(options: Namespace, reach: Reach, params: dict[str, Any]) -> list[Check]:
    """Return what the daemon says, or why none does and what `ail-daemon doctor` says in its place."""
    if not options.timeout_given:
        reach.limit_s = max(reach.limit_s, _LIMIT_S)
    try:
        reply = ask_daemon(reach, "doctor", params)
        status = ask_daemon(reach, "status", {})
    except RepoError:  # --repo names one that is not enrolled
        raise
    except AilError as err:
        return [_explain(err, reach), _look_at_socket(reach.socket_path), *_examine_without()]
    return [_describe(status), _look_at_socket(reach.socket_path), *reply["checks"]]


def _describe(status: dict[str, Any]) -> Check:
    from .layout import describe_span

    up = describe_span(status["uptime_s"])
    said = f"{status['version']}, pid {status['pid']}, up {up}, {status['rss_bytes'] / 1e6:.0f} MB"
    if status["version"] == VERSION:
        return make_check("daemon", "ok", said)
    return make_check("daemon", "warn", f"{said}; this client is {VERSION}", "update the older of the two")


def _explain(err: AilError, reach: Reach) -> Check:
    from .connection import NobodyListensError

    if isinstance(err, UsageError) and "no method" in err.message:
        return make_check("daemon", "warn", "it is older than this client", "ail-client stop")
    if isinstance(err, NobodyListensError) and not reach.may_start:
        return make_check("daemon", "warn", "none runs, and none was to be started", "ail-client status")
    return make_check("daemon", "fail", err.message, err.hint)


def _look_at_socket(path: str) -> Check:
    """Say who may open the socket at *path*."""
    try:
        if not check_directory(os.path.dirname(path)):
            return make_check("socket", "ok", f"{path}: not there; the daemon makes it")
        found = os.lstat(path)
    except FileNotFoundError:
        return make_check("socket", "ok", f"{path}: not there; the daemon makes it")
    except AilError as err:
        return make_check("socket", "fail", err.message, err.hint)
    except OSError as err:
        return make_check("socket", "fail", f"{path}: {err.strerror}", "see AIL_SOCKET")
    return _judge_socket(path, found)


def _judge_socket(path: str, found: os.stat_result) -> Check:
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISSOCK(found.st_mode):
        return make_check("socket", "fail", f"{path} is no socket", "move it away")
    if found.st_uid != os.geteuid():
        return make_check("socket", "fail", f"{path} belongs to another user (uid {found.st_uid})", "see AIL_SOCKET")
    if mode & 0o077:
        return make_check("socket", "fail", f"{path} can be opened by others (mode {mode:04o})", f"chmod 600 {path}")
    return make_check("socket", "ok", f"{path}, mode {mode:04o}, in a directory that is yours alone")


def _examine_without() -> list[Check]:
    """Return what `ail-daemon doctor` finds; one check that says so where it is not installed."""
    import json
    import subprocess

    from .spawn import find_programs

    for program in find_programs():
        try:
            done = subprocess.run(
                [program, "doctor", "--json"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIMIT_S,
                check=False,
            )
            return list(json.loads(done.stdout)["checks"])
        except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as err:
            return [
                make_check("ail-daemon", "fail", f"{program} does not work: {type(err).__name__}", "install AIL anew")
            ]
    todo = "pip install 'archaeological-intelligence[daemon]'"
    return [make_check("ail-daemon", "fail", "the daemon is not installed", todo)]
