"""Hooks in git's configuration, from git 2.54 on: they run in addition to every hook directory and hook tool.

`hook.<name>.event` without a command makes every git command fail that would run the hook, so the command is written first
and a section is removed as a whole. A name must not be that of an event.
"""

from __future__ import annotations

import os

from ail_rpc.hints import EVENTS

from .related import EVENTS as ASKING
from .repository import Repository, change_config, run_git
from .shims import make_command

LOCAL, GLOBAL = "local", "global"

_PREFIX = "ail-"


class Configuration:
    """The hooks of ours in one of git's configuration files: a *repository*'s, or the user's (None)."""

    def __init__(self, repository: Repository | None, hints_file: str) -> None:
        self.scope = GLOBAL if repository is None else LOCAL
        self._git = ("config", "--global") if repository is None else (*repository.options, "config", "--local")
        self._hints_file = hints_file
        self._found = self._read()

    def get_state(self, event: str) -> str | None:
        """Return "installed", "outdated", "disabled", or None if the file has no hook of ours."""
        found = self._found.get(event)
        if found is None:
            return None
        if found.get("enabled", b"true").lower() in (b"false", b"no", b"off", b"0"):
            return "disabled"
        wanted = {"command": make_command(event, self._hints_file), "event": event.encode()}
        return "installed" if found | wanted == found else "outdated"

    def install(self, event: str) -> None:
        """Make git run the hook, unless the user disabled it. Raises StorageError."""
        if self.get_state(event) == "installed":
            return
        name = f"hook.{_PREFIX}{event}"
        change_config(*self._git, "--replace-all", f"{name}.command", make_command(event, self._hints_file))
        change_config(*self._git, "--replace-all", f"{name}.event", event)

    def uninstall(self, event: str) -> bool:
        """Remove every line about the hook; whether there was one. Raises StorageError."""
        if event not in self._found:
            return False
        change_config(*self._git, "--remove-section", f"hook.{_PREFIX}{event}")
        return True

    def _read(self) -> dict[str, dict[str, bytes]]:
        """Return event -> key -> value of our hooks in this file."""
        done = run_git(*self._git, "-z", "--get-regexp", rf"^hook\.{_PREFIX}.*\.")
        found: dict[str, dict[str, bytes]] = {}
        for entry in filter(None, done.stdout.split(b"\0")):
            name, _newline, value = entry.partition(b"\n")
            event, _dot, key = os.fsdecode(name).removeprefix(f"hook.{_PREFIX}").rpartition(".")
            if event in (*EVENTS, *ASKING):
                found.setdefault(event, {})[key] = value
        return found
