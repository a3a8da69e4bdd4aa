"""The user's systemd: where its units lie, the commands given to it, and the state of ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ail_daemon.settings import get_child_environment
from ail_rpc.errors import UnavailableError
from ail_rpc.paths import get_socket_path, get_state_dir

from . import keeping
from .handover import stop_running
from .texts import HARDENING, SERVICE, SOCKET, find_program, make_hardening, make_service, make_socket

_LIMIT_S, _PING_S = 60.0, 10.0
_COMMANDS = ("systemctl --user daemon-reload", f"systemctl --user enable --now {SOCKET} {SERVICE}")


def get_directory() -> Path:
    """Return where the user's units lie."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(config if os.path.isabs(config) else os.path.expanduser("~/.config")) / "systemd" / "user"


def install(program: str, *, is_hardened: bool) -> list[str]:
    """Write the units for *program* and, if there is a session, start them; return lines for the user.

    Raises UsageError if a unit that is not ours is in the way, UnavailableError if systemd refuses.
    """
    units = get_directory()
    state_dir = get_state_dir()
    os.makedirs(state_dir, mode=0o700, exist_ok=True)  # one that is missing at the start could not be written
    wanted = {units / SERVICE: make_service(program, find_environment()), units / SOCKET: make_socket()}
    drop_in = _get_drop_in(units)
    if is_hardened:
        wanted[drop_in] = make_hardening(state_dir)
    changed = keeping.save(wanted)
    removed = [] if is_hardened else keeping.remove([drop_in])
    lines = [*(f"written: {path}" for path in changed), *(f"removed: {path}" for path in removed)]
    if not is_reachable():
        return [*lines, "no session of systemd is here; in one, run:", *(f"  {line}" for line in _COMMANDS)]
    if not changed and not removed and is_active():
        return ["installed already, and running"]
    _start()
    return [*lines, f"enabled and running: {SOCKET}, {SERVICE}"]


def uninstall() -> list[str]:
    """Stop and disable our units and remove their files, even if systemd does not answer; return lines for the user."""
    units = get_directory()
    is_ours, is_heard = find_installed() is not None, is_reachable()
    if is_ours and is_heard:
        _say("disable", "--now", SOCKET, SERVICE)
    gone = keeping.remove([*_get_links(units), units / SERVICE, units / SOCKET, _get_drop_in(units)])
    if not gone:
        return ["no service of ours is installed"]
    lines = [f"removed: {path}" for path in gone]
    if not is_heard:
        return [*lines, "no session of systemd answers: a daemon that runs goes on until `ail-client stop`"]
    _say("daemon-reload")
    _say("reset-failed", SERVICE, SOCKET, may_fail=True)  # a unit that is gone may still be listed as failed
    return lines


def find_environment() -> dict[str, str]:
    """Return the variables that locate settings and state, which a login's environment may lack."""
    named = {name: os.environ.get(name, "") for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    return {name: value for name, value in named.items() if os.path.isabs(value)}


def find_installed() -> str | None:
    """Return the program that our unit runs, None if none is installed."""
    return find_program(keeping.read(get_directory() / SERVICE) or "")


def is_hardened() -> bool:
    """Whether the hardening is installed as well."""
    return keeping.read(_get_drop_in(get_directory())) is not None


def is_reachable() -> bool:
    """Whether this user's manager answers."""
    return _ask("show-environment")


def is_active() -> bool:
    """Whether the socket is listened at and the service runs."""
    return _ask("is-active", "--quiet", SOCKET) and _ask("is-active", "--quiet", SERVICE)


def _start() -> None:
    """Start the units. A daemon that a client started holds the socket's path, so it is stopped first."""
    _say("daemon-reload")
    _say("stop", SERVICE, SOCKET, may_fail=True)
    stop_running(get_socket_path())
    _say("enable", "--now", SOCKET, SERVICE)


def _get_links(units: Path) -> list[Path]:
    """Return the links by which the units are enabled, as [Install] says."""
    return [units / "sockets.target.wants" / SOCKET, units / "default.target.wants" / SERVICE]


def _get_drop_in(units: Path) -> Path:
    return units / f"{SERVICE}.d" / HARDENING


def _ask(*words: str) -> bool:
    try:
        return _run(words, _PING_S).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _say(*words: str, may_fail: bool = False) -> None:
    try:
        done = _run(words, _LIMIT_S)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise UnavailableError(
            f"systemctl --user {words[0]} does not answer", "try again in a session of yours"
        ) from err
    if done.returncode and not may_fail:
        raise UnavailableError(
            f"systemctl --user {' '.join(words)}: {done.stderr.strip()}", "`journalctl --user -u ail` may say why"
        )


def _run(words: tuple[str, ...], limit_s: float) -> subprocess.CompletedProcess[str]:
    command = ["systemctl", "--user", "--no-ask-password", *words]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s, check=False,
        env=get_child_environment(),
    )  # fmt: skip
