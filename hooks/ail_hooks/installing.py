"""`ail-hook install`, `uninstall`, `status`: chooses the way hooks are installed, and makes the report."""

from __future__ import annotations

import os

from ail_rpc.errors import NotInstalledError, StorageError
from ail_rpc.hints import EVENTS, PER_COMMIT, get_hints_file
from ail_rpc.mounts import find_deaf_type

from .configured import Configuration
from .hints import make_file
from .hooksdir import HookFile, make_hooks_dir
from .related import EVENTS as ASKING
from .repository import CONFIGURED_SINCE, Repository, get_git_version, has_configured_hooks
from .tools import find_tool, make_snippet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_DID_NOT_HOLD = 1
_LEFT_TO_EVENTS = "left to events"
_ALL = (*EVENTS, *ASKING)


def install(
    directory: str | None, *, in_shim: bool = False, asks: bool = False, per_commit: bool = False
) -> tuple[int, dict[str, Any]]:
    """Install the hooks of one repository; return (exit status, report as of `report`).

    With git 2.54 or newer in its configuration, else as shims; *in_shim*: as shims anyway, even if another hook tool manages
    the hooks. Without it, and with such a tool, nothing is changed, the status is 1 and the report has a `snippet`.
    *asks*: also the hooks that print, at a commit, which earlier commits bear on it. *per_commit*: post-commit also where
    file system events report commits; without it, one of ours is removed there.
    Raises RepoError, StorageError, NotInstalledError.
    """
    repository = Repository(directory)
    hints_file = _make_hints_file()
    events = _choose(repository, asks=asks, per_commit=per_commit)
    if has_configured_hooks() and not in_shim:
        _install_configuration(Configuration(repository, hints_file), events)
        _remove_shims(repository)
    elif not in_shim and (tool := find_tool(repository)) and not _is_ours_all(repository, events):
        return _DID_NOT_HOLD, report(repository) | {"snippet": make_snippet(tool, repository.hooks_dir, events)}
    else:
        _install_shims(repository, events)
        _remove_configuration(repository)
    return 0, report(repository)


def install_globally(*, asks: bool = False, per_commit: bool = False) -> tuple[int, dict[str, Any]]:
    """Install the hooks of all the user's repositories. Raises NotInstalledError with a git before 2.54, StorageError."""
    if not has_configured_hooks():
        raise NotInstalledError(
            f"git {_version()} has no hooks in its configuration: --global needs {_dotted(CONFIGURED_SINCE)} or newer",
            "run `ail-hook install` in each repository. core.hooksPath and init.templateDir would do it for all, and are "
            "left alone: the first switches every repository's own hooks off, the second reaches new ones alone",
        )
    events = _choose(None, asks=asks, per_commit=per_commit)
    _install_configuration(Configuration(None, _make_hints_file()), events)
    return 0, report(None)


def uninstall(directory: str | None) -> tuple[int, dict[str, Any]]:
    """Remove the hooks of one repository and restore the former ones. Status 1: something had to be left.

    Raises RepoError, StorageError, NotInstalledError.
    """
    repository = Repository(directory)
    removed = _remove_configuration(repository) | _remove_shims(repository)
    left = [file.kept for file in _files(repository) if file.has_forgotten]
    return _DID_NOT_HOLD if left else 0, report(repository) | {"removed": sorted(removed), "left": left}


def uninstall_globally() -> tuple[int, dict[str, Any]]:
    """Remove the hooks of all the user's repositories. Raises StorageError, NotInstalledError."""
    return 0, report(None) | {"removed": sorted(_remove_configuration(None)), "left": []}


def report(repository: Repository | None) -> dict[str, Any]:
    """Return the state of each event's hook (None: in the user's own configuration).

    Keys: repo, git (version), hooks_dir, tool (what else manages the hooks), events: event -> state, by, path.
    state: installed, chained (another hook runs first), outdated, disabled, not ours, missing, left to events. by: "local"
    or "global" configuration, "shim", None. path: of the hook's file, None for configuration.
    """
    scopes = [Configuration(None, get_hints_file())]
    if repository is not None:
        scopes.insert(0, Configuration(repository, get_hints_file()))
    configured = scopes if has_configured_hooks() else []
    return {
        "repo": repository and repository.place.root,
        "git": _version(),
        "hooks_dir": repository and repository.hooks_dir,
        "tool": repository and find_tool(repository),
        "events": _report_events(repository, configured),
    }


def is_whole(found: dict[str, Any]) -> bool:
    """Whether git runs every hook of the report *found*."""
    return all(event["state"] in ("installed", "chained", _LEFT_TO_EVENTS) for event in found["events"].values())


def _report_events(repository: Repository | None, scopes: list[Configuration]) -> dict[str, dict[str, Any]]:
    """Return the state of each event's hook; the optional ones that ask the daemon only if they are ours."""
    found = {event: _report_event(event, repository, scopes) for event in _ALL}
    commits = found[PER_COMMIT]
    if not commits["by"] and _has_events(repository):
        commits["state"] = _LEFT_TO_EVENTS
    return {event: one for event, one in found.items() if event in EVENTS or one["by"]}


def _report_event(event: str, repository: Repository | None, scopes: list[Configuration]) -> dict[str, Any]:
    for configuration in scopes:
        if state := configuration.get_state(event):
            return {"state": state, "by": configuration.scope, "path": None}
    if repository is None:
        return {"state": "missing", "by": None, "path": None}
    file = HookFile(repository.hooks_dir, event, get_hints_file())
    return {"state": file.get_state(), "by": "shim" if file.is_ours else None, "path": file.path}


def _choose(repository: Repository | None, *, asks: bool, per_commit: bool) -> tuple[str, ...]:
    """Return the events to install hooks for. post-commit makes a rebase twice as slow, whatever it runs: git starts a shell."""
    without = () if per_commit or not _has_events(repository) else (PER_COMMIT,)
    return tuple(event for event in (_ALL if asks else EVENTS) if event not in without)


def _has_events(repository: Repository | None) -> bool:
    """Whether the kernel reports every change in *repository* (None: in most)."""
    return repository is None or find_deaf_type(repository.place.common_dir) is None


def _install_configuration(configuration: Configuration, events: Sequence[str]) -> None:
    for event in events:
        configuration.install(event)
    if PER_COMMIT not in events:
        configuration.uninstall(PER_COMMIT)


def _remove_configuration(repository: Repository | None) -> set[str]:
    configuration = Configuration(repository, get_hints_file())
    return {event for event in _ALL if configuration.uninstall(event)}


def _install_shims(repository: Repository, events: Sequence[str]) -> None:
    """Check every file before the first is changed."""
    make_hooks_dir(repository.hooks_dir)
    files = [HookFile(repository.hooks_dir, event, get_hints_file()) for event in events]
    for file in files:
        file.check()
    for file in files:
        file.install()
    if PER_COMMIT not in events:
        HookFile(repository.hooks_dir, PER_COMMIT, get_hints_file()).uninstall()


def _remove_shims(repository: Repository) -> set[str]:
    return {os.path.basename(file.path) for file in _files(repository) if file.uninstall()}


def _is_ours_all(repository: Repository, events: Sequence[str]) -> bool:
    """Whether every hook is a shim of ours already, so that installing again only updates them."""
    return all(HookFile(repository.hooks_dir, event, get_hints_file()).is_ours for event in events)


def _files(repository: Repository) -> list[HookFile]:
    """Return all files that may be shims: `core.hooksPath` may have been set after they were installed."""
    directories = dict.fromkeys((repository.hooks_dir, repository.own_hooks_dir))
    return [HookFile(directory, event, get_hints_file()) for directory in directories for event in _ALL]


def _make_hints_file() -> str:
    try:
        return make_file()
    except OSError as err:
        raise StorageError(
            f"{err.filename} cannot be made: {err.strerror}",
            "hooks leave their hints there: XDG_STATE_HOME names another",
        ) from err


def _version() -> str:
    return _dotted(get_git_version())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
