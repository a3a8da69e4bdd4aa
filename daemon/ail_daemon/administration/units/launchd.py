"""macOS's launchd: the user's agent. It starts the daemon at login, and again after a crash; it passes no socket."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ail_rpc.errors import UnavailableError
from ail_rpc.paths import get_socket_path, get_state_dir

from . import keeping
from .handover import stop_running
from .systemd import find_environment
from .texts import LABEL, PLIST, find_program, make_plist

_LIMIT_S = 60.0


def install(program: str) -> list[str]:
    """Write the agent for *program* and start it; return lines for the user. Raises as systemd's `install` does."""
    log = os.path.join(get_state_dir(), "daemon.log")
    os.makedirs(os.path.dirname(log), mode=0o700, exist_ok=True)
    changed = keeping.save({_get_path(): make_plist(program, find_environment(), log)})
    if not changed and _launchctl("print", f"{_domain()}/{LABEL}"):
        return ["installed already, and running"]
    _launchctl("bootout", f"{_domain()}/{LABEL}")
    stop_running(get_socket_path())
    lines = [f"written: {path}" for path in changed]
    if not _launchctl("bootstrap", _domain(), os.fspath(_get_path())):
        return [
            *lines,
            "no session of launchd is here; in one, run:",
            f"  launchctl bootstrap {_domain()} {_get_path()}",
        ]
    return [*lines, f"running: {LABEL}"]


def uninstall() -> list[str]:
    """Stop the agent and remove its file, if it is ours; return lines for the user."""
    if find_installed() is None:
        return ["no service of ours is installed"]
    _launchctl("bootout", f"{_domain()}/{LABEL}")
    return [f"removed: {path}" for path in keeping.remove([_get_path()])]


def find_installed() -> str | None:
    """Return the program that our agent runs, None if none is installed."""
    return find_program(keeping.read(_get_path()) or "")


def _get_path() -> Path:
    return Path(os.path.expanduser("~/Library/LaunchAgents")) / PLIST


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _launchctl(*words: str) -> bool:
    try:
        done = subprocess.run(["launchctl", *words], capture_output=True, timeout=_LIMIT_S, check=False)
    except FileNotFoundError:
        return False
    except subprocess.TimeoutExpired as err:
        raise UnavailableError(f"launchctl {words[0]} does not answer", "try again in a session of yours") from err
    return done.returncode == 0
