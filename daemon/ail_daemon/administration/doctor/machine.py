"""What AIL finds on this machine: the settings, watches, disk, the service manager's units."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path

from ail_daemon.administration.units import launchd, systemd
from ail_daemon.administration.units.commands import find_own_program
from ail_daemon.repos.repo import Repo
from ail_daemon.settings import Settings, load_settings
from ail_rpc.paths import get_config_file, get_state_dir

from .finding import Finding

_WATCHES = 10  # a repository has at the most
_FEW_BYTES, _LITTLE_BYTES = 50_000_000, 1_000_000_000
_INSTALL = "ail-daemon install-service"


def look_at_settings() -> Finding:
    """Read the settings again. Raises UsageError, which says what is wrong with them."""
    settings = load_settings()
    changed = [one.metadata["variable"] for one in fields(Settings) if getattr(settings, one.name) != one.default]
    file = get_config_file()
    origin = file if os.path.exists(file) else f"{file} is not there, which is fine"
    return Finding("settings", "ok", f"{origin}; other than the defaults: {', '.join(changed) or 'none'}")


def look_at_watches(repos: Iterable[Repo], limits: Path = Path("/proc/sys/fs/inotify")) -> Finding:
    """Say whether events report commits, and compare the kernel's limits with what is needed."""
    polled = [repo for repo in repos if repo.watched]
    if polled:
        said = f"{len(polled)} are polled, among them {polled[0].place.root}: {polled[0].watched}"
        return Finding("watches", "warn", said, "new commits are seen at the next question, or within a minute")
    if not limits.is_dir():
        return Finding("watches", "ok", "events tell of new commits")
    found = {name: int((limits / name).read_text()) for name in ("max_user_watches", "max_user_instances")}
    said = ", ".join(f"fs.inotify.{name} = {number:,}" for name, number in found.items())
    wanted = {"max_user_watches": max(8192, 2 * _WATCHES * len(list(repos))), "max_user_instances": 128}
    short = [f"fs.inotify.{name}={wanted[name]}" for name, number in found.items() if number < wanted[name]]
    return Finding("watches", "warn" if short else "ok", said, f"sudo sysctl -w {' '.join(short)}" if short else "")


def look_at_disk() -> Finding:
    """Say how much the state directory holds and how much room it has."""
    state = get_state_dir()
    free = shutil.disk_usage(state).free
    held = sum(file.lstat().st_size for file in Path(state).rglob("*") if file.is_file())
    said = f"{held / 1e6:,.0f} MB in {state}, {free / 1e6:,.0f} MB free"
    if free < _LITTLE_BYTES:
        todo = "make room: an index takes 2 to 3 MB for each 1,000 commits; `ail-client remove DIR --purge` frees one"
        return Finding("disk", "fail" if free < _FEW_BYTES else "warn", said, todo)
    return Finding("disk", "ok", said)


def look_at_service() -> Finding:
    """Say whether the service manager starts the daemon, and this one."""
    is_mac = sys.platform == "darwin"
    program = launchd.find_installed() if is_mac else systemd.find_installed()
    if program is None:
        return Finding(
            "service", "ok", "none installed: the first question starts the daemon", f"at login: `{_INSTALL}`"
        )
    if not os.access(program, os.X_OK):
        return Finding("service", "fail", f"the service runs {program}, which is not there any more", _INSTALL)
    own = find_own_program()
    if os.path.realpath(own) != os.path.realpath(program):
        return Finding("service", "warn", f"the service runs {program}, and this is {own}", _INSTALL)
    return Finding("service", "ok", f"launchd runs {program}") if is_mac else _look_at_systemd(program)


def _look_at_systemd(program: str) -> Finding:
    if not systemd.is_reachable():
        said = f"installed for {program}, and no session of systemd is here"
        return Finding("service", "warn", said, "log in, or for a machine without logins: loginctl enable-linger")
    if not systemd.is_active():
        return Finding(
            "service", "warn", "installed, and not running", "systemctl --user enable --now ail.socket ail.service"
        )
    if systemd.is_hardened():
        return Finding("service", "ok", f"systemd runs {program}, hardened")
    todo = f"shut in, with the home read-only: `{_INSTALL} --hardened`" if can_harden() else ""
    return Finding("service", "ok", f"systemd runs {program}", todo)


def can_harden(read: Callable[[str], str] = lambda name: Path("/proc/sys", name).read_text()) -> bool:
    """Whether this kernel lets a user make namespaces, which a user's manager needs for most of hardening.conf."""
    forbidden = (
        ("user/max_user_namespaces", "0"),
        ("kernel/unprivileged_userns_clone", "0"),  # Debian's own
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),  # Ubuntu from 24.04 on
    )
    for name, value in forbidden:
        try:
            if read(name).strip() == value:
                return False
        except OSError:
            continue
    return True
