"""`ail-daemon uninstall`: removes service, hooks and state, and says what is left. The package is removed by its installer.

Hooks first, while it is known which repositories were added; each part is tried even if one before it failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ail_rpc.errors import AilError, UsageError
from ail_rpc.paths import get_config_file

from ..repos.places import load_place
from .resetting import reset
from .units.commands import find_own_program, remove_service

_HOOKS_LIMIT_S = 30.0


def confirm(state_dir: str) -> bool:
    """Ask on the terminal whether all is to be removed; only "yes" confirms. Raises UsageError without a terminal."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", "add --yes if all of it is to be removed")
    sys.stderr.write(
        "This removes the service, the git hooks of every repository that was added, and every index and model in\n"
        f"{state_dir}. Repositories, settings and backups stay.\nType yes to go on: "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


def remove_outside(state_dir: str) -> list[str]:
    """Remove what lies outside the state directory: hooks, then the service; return lines for the user. The daemon may run."""
    lines = [_remove_hooks(root) for root in _list_roots(state_dir)]
    lines.append(_remove_hooks(None))
    try:
        lines += remove_service()
    except AilError as err:
        lines.append(f"the service stays: {err.message}")
    return lines


def remove_state(state_dir: str) -> list[str]:
    """Remove indexes and models; return lines for the user, with what is left. To be called with the daemon's locks held."""
    removed = reset(state_dir, with_models=True)
    lines = [f"removed from {state_dir}: {', '.join(removed) or 'nothing was there'}"]
    return [*lines, "left:", *(f"  {line}" for line in _list_left(state_dir))]


def _list_left(state_dir: str) -> list[str]:
    config, backups = get_config_file(), os.path.join(state_dir, "backups")
    left = [f"{config}: your settings"] if os.path.exists(config) else []
    left += [f"{backups}: your backups"] if os.path.isdir(backups) else []
    left += [f"{state_dir}: lock files, until no client runs"] if os.path.isdir(state_dir) else []
    return [*left, "the programs: `pip uninstall archaeological-intelligence`, or what installed them (pipx, uv tool)"]


def _list_roots(state_dir: str) -> list[str]:
    """Return the repositories that were added and are still there."""
    enrolments = sorted((Path(state_dir) / "repos").glob("*/repo.json"))
    places = [place for enrolment in enrolments if (place := load_place(enrolment))]
    return [place.root for place in places if os.path.isdir(place.root)]


def _remove_hooks(root: str | None) -> str:
    """Run `ail-hook` to remove the hooks of the repository at *root*, None: of the user's own configuration."""
    where = root or "your git configuration"
    program = os.path.join(os.path.dirname(find_own_program()), "ail-hook")
    command = [program, "uninstall", "--global" if root is None else root]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_HOOKS_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as err:
        return f"hooks in {where} stay: {err}"
    said = " ".join((done.stdout if done.returncode == 0 else done.stderr).split())
    return f"hooks in {where}: {said}" if done.returncode == 0 else f"hooks in {where} stay: {said}"
