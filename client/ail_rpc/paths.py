"""Where AIL's files lie: one resolver for every program, so that all use one socket.

Functions of the environment: nothing here is created or opened, and only a directory's owner is looked at. `os.path`
instead of pathlib or platformdirs: they would cost the client 5 and 7 ms of its 25. The tests compare the directories of both
systems with platformdirs' own.
"""

from __future__ import annotations

import os
import sys

from .errors import UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SOCKET_PATH_MAX_BYTES, MACOS_SOCKET_PATH_MAX_BYTES = 107, 103
"""Longest path of a Unix socket: `sun_path` has 108 bytes with the closing NUL on Linux (unix(7)), 104 on macOS (<sys/un.h>)."""

_MACOS_BASE = ("Library", "Application Support")  # for state and settings alike, by Apple's file system guide


def get_state_dir(env: Mapping[str, str] | None = None) -> str:
    """Return the directory of indexes, prepared models and logs: `$XDG_STATE_HOME/ail` or `~/.local/state/ail`.

    On macOS `~/Library/Application Support/ail` in place of the latter.
    """
    return os.path.join(_base("XDG_STATE_HOME", (".local", "state"), env), "ail")


def get_config_file(env: Mapping[str, str] | None = None) -> str:
    """Return the path of the settings: `$XDG_CONFIG_HOME/ail/config.toml` or `~/.config/ail/config.toml`.

    On macOS `~/Library/Application Support/ail/config.toml` in place of the latter.
    """
    return os.path.join(_base("XDG_CONFIG_HOME", (".config",), env), "ail", "config.toml")


def get_socket_path(env: Mapping[str, str] | None = None) -> str:
    """Return `$AIL_SOCKET`, else `$XDG_RUNTIME_DIR/ail/ail.sock`, else `run/ail.sock` in the state directory.

    A runtime directory is skipped if it is too deep for a socket, or another user's: `su` and `sudo` may keep the
    variable, and a directory made there would lock its owner out. Raises UnavailableError where no path fits.
    """
    env = os.environ if env is None else env
    if named := env.get("AIL_SOCKET"):
        return _fitting([os.path.abspath(named)], "$AIL_SOCKET names")
    runtime = env.get("XDG_RUNTIME_DIR", "")
    tried = [os.path.join(runtime, "ail", "ail.sock")] if _is_own_directory(runtime) else []
    tried.append(os.path.join(get_state_dir(env), "run", "ail.sock"))
    return _fitting(tried, "the default is")


def get_runtime_dir(env: Mapping[str, str] | None = None) -> str:
    """Return the directory of files that belong to a running program: `$XDG_RUNTIME_DIR/ail`, or `run` in the state directory.

    A runtime directory of another user is skipped, as by `get_socket_path`.
    """
    env = os.environ if env is None else env
    runtime = env.get("XDG_RUNTIME_DIR", "")
    return os.path.join(runtime, "ail") if _is_own_directory(runtime) else os.path.join(get_state_dir(env), "run")


def get_lock_path(socket_path: str) -> str:
    """Return the file that the daemon of *socket_path* holds an exclusive flock on while it runs."""
    return socket_path + ".lock"


def _base(variable: str, below_home: tuple[str, ...], env: Mapping[str, str] | None) -> str:
    env = os.environ if env is None else env
    named = env.get(variable, "")
    if os.path.isabs(named):  # the XDG specification: relative paths are invalid and to be ignored
        return named
    home = env.get("HOME") or os.path.expanduser("~")
    return os.path.join(home, *(_MACOS_BASE if _is_macos() else below_home))


def _is_macos() -> bool:
    return sys.platform == "darwin"


def _is_own_directory(path: str) -> bool:
    try:
        return os.path.isabs(path) and os.path.isdir(path) and os.stat(path).st_uid == os.geteuid()
    except OSError:
        return False


def _fitting(paths: list[str], origin: str) -> str:
    most = MACOS_SOCKET_PATH_MAX_BYTES if _is_macos() else SOCKET_PATH_MAX_BYTES
    for path in paths:
        if len(os.fsencode(path)) <= most:
            return path
    raise UnavailableError(
        f"{origin} a socket path of more than {most} bytes, the system's limit: {paths[-1]}",
        "set AIL_SOCKET to a shorter path, in a directory that only you can enter",
    )
