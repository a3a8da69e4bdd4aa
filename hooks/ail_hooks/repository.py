"""Asks git for its version, a repository's hooks directory and configuration, and changes the configuration."""

from __future__ import annotations

import os
import re
import subprocess

from ail_client.target import find_place
from ail_rpc.errors import NotInstalledError, RepoUnreadableError, StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ail_rpc.discovery import RepoPlace

CONFIGURED_SINCE = (2, 54)
"""The first git that runs hooks named in its configuration."""

# `git rev-parse --local-env-vars`: set where a hook runs us, they would have git look at that repository
_LOCAL_VARIABLES = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR",
}  # fmt: skip


class Repository:
    """A repository whose hooks are managed; paths absolute.

    hooks_dir: where git looks for hooks. own_hooks_dir: where it would without `core.hooksPath`. hooks_path: that
    setting's value, None if it is not set.
    """

    def __init__(self, directory: str | None) -> None:
        """Find the repository of *directory* (None: the current one). Raises RepoError, NotInstalledError."""
        self.place: RepoPlace = find_place(directory)
        self.own_hooks_dir = os.path.join(self.place.common_dir, "hooks")
        self.hooks_path = self._read("config", "--get", "core.hooksPath")
        named = self._read("rev-parse", "--git-path", "hooks") or self.own_hooks_dir
        self.hooks_dir = os.path.normpath(os.path.join(self.place.root, named))

    @property
    def options(self) -> tuple[str, ...]:
        """The options that name it to git, since git's variables are removed from the environment."""
        named = ("--git-dir", self.place.git_dir) if self.place.is_named else ()
        return ("-C", self.place.root, *named)

    def _read(self, *arguments: str) -> str | None:
        """Return what git prints, None if it prints nothing. Raises RepoUnreadableError."""
        done = run_git(*self.options, *arguments)
        if done.returncode > 1:
            raise RepoUnreadableError(
                f"git does not read {self.place.root}: {explain(done)}",
                f"`git -C {self.place.root} status` says more",
            )
        return os.fsdecode(done.stdout).removesuffix("\n") if done.returncode == 0 else None


def get_git_version() -> tuple[int, ...]:
    """Return git's version, (2, 39, 5). Raises NotInstalledError."""
    said = os.fsdecode(run_git("version").stdout)
    numbers = re.search(r"\d+(?:\.\d+)*", said)
    return tuple(map(int, numbers[0].split("."))) if numbers else (0,)


def has_configured_hooks() -> bool:
    """Whether git runs the hooks that its configuration names. Raises NotInstalledError."""
    return get_git_version() >= CONFIGURED_SINCE


def run_git(*arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
    """Run git on the repository that *arguments* name, not the one a hook runs for. Raises NotInstalledError."""
    env = {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}
    try:
        return subprocess.run(["git", *arguments], env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except FileNotFoundError as err:
        raise NotInstalledError("git is not installed", "install git, or put it on PATH") from err


def change_config(*arguments: str | bytes) -> None:
    """Run `git config` to change something. Raises StorageError."""
    done = run_git(*arguments)
    if done.returncode:
        raise StorageError(f"git's configuration was not changed: {explain(done)}", "see whether its file is writable")


def explain(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the last line of git's stderr."""
    lines = os.fsdecode(done.stderr).strip().splitlines()
    return lines[-1].removeprefix("fatal: ").removeprefix("error: ") if lines else f"exit status {done.returncode}"
