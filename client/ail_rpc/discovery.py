"""Which repository a directory lies in: git's own rules, with a handful of stats and without running git.

Running git would cost 2 ms and, in a hostile directory, whatever its configuration names. Only `find_current` honours
$GIT_DIR, as a git subcommand does: a directory that somebody names is not the repository that a hook is about.
"""

from __future__ import annotations

import errno
import os
import stat

from .errors import NotARepositoryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CONFIG_BYTES = 1 << 20
_SECTION = r"\s*\[\s*([^\]\s]+)"
_SETTING = r"(?i)\s*(worktree|bare)\s*=\s*(.*?)\s*\Z"


class RepoPlace:
    """Where a repository lies; all paths absolute, symlinks resolved.

    root: the top of the worktree, or the git directory itself where there is none (bare).
    git_dir: this worktree's own git directory. common_dir: the one all worktrees share; it identifies the repository.
    is_named: whether the environment named it, so that its root need not lead to it.
    """

    __slots__ = ("common_dir", "git_dir", "is_bare", "is_named", "root")

    def __init__(self, root: str, git_dir: str, common_dir: str, is_bare: bool, is_named: bool = False) -> None:
        self.root = root
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.is_bare = is_bare
        self.is_named = is_named

    @property
    def address(self) -> str:
        """The directory by which `find_repository`, the daemon's too, finds it: root, or git_dir where that leads elsewhere."""
        if not self.is_named:
            return self.root
        try:
            return self.root if find_repository(self.root).git_dir == self.git_dir else self.git_dir
        except NotARepositoryError:
            return self.git_dir


def find_repository(start: str) -> RepoPlace:
    """Return the repository that the directory *start* (or a file's directory) lies in.

    Raises NotARepositoryError where there is none and, as git does, for a worktree or submodule whose git directory is
    missing: searching further up would answer from the repository around it.
    """
    if "\0" in start:  # a crash may leave zeros in the file of hints; realpath() would raise ValueError
        raise NotARepositoryError("a path with a NUL lies in no git repository", "name a directory")
    here = os.path.realpath(start)
    while True:
        if place := _repository_at(here):
            return place
        parent = os.path.dirname(here)
        if parent == here:
            raise NotARepositoryError(
                f"{start} lies in no git repository", "name a directory of one, or change into it"
            )
        here = parent


def find_current(here: str, env: Mapping[str, str] | None = None) -> RepoPlace:
    """Return the repository that a git subcommand started in *here* is about: $GIT_DIR and $GIT_WORK_TREE, else as above.

    Without $GIT_WORK_TREE the work tree is what the repository's configuration says, else *here*, as git has it.
    Raises NotARepositoryError.
    """
    env = os.environ if env is None else env
    named, tree = env.get("GIT_DIR"), env.get("GIT_WORK_TREE")
    if not named:
        place = find_repository(here)
        return RepoPlace(_real(here, tree), place.git_dir, place.common_dir, False, True) if tree else place
    git_dir = _real(here, named)
    if os.path.isfile(git_dir):
        git_dir = _real(os.path.dirname(git_dir), _read_pointer(git_dir, "gitdir: ", os.path.dirname(git_dir)) or "")
    if not _is_git_dir(git_dir):
        raise NotARepositoryError(
            f"$GIT_DIR names {named}, which is no git repository", "unset it, or name another with --repo DIR"
        )
    common = env.get("GIT_COMMON_DIR") or _read_pointer(os.path.join(git_dir, "commondir"), "", git_dir) or git_dir
    common = _real(here, common)
    settings = {} if tree else _read_core(os.path.join(common, "config"))
    is_bare = not tree and (env.get("GIT_IMPLICIT_WORK_TREE") == "0" or settings.get("bare") == "true")
    root = (
        git_dir
        if is_bare
        else _real(here, tree)
        if tree
        else _real(git_dir, settings.get("worktree") or _real(here, ""))
    )
    return RepoPlace(root, git_dir, common, is_bare, True)


def _real(base: str, path: str) -> str:
    return os.path.realpath(os.path.join(base, path))


def _read_core(config: str) -> dict[str, str]:
    """Return `worktree` and `bare` of the section `core` of a configuration file."""
    try:
        text = read_regular(config, _CONFIG_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return {}
    import re  # 4 ms, only where $GIT_DIR is set

    found, section = {}, ""
    for line in text.split("\n"):
        if head := re.match(_SECTION, line):
            section = head[1].lower()
        elif section == "core" and (given := re.match(_SETTING, line)):
            found[given[1].lower()] = given[2].strip('"')
    return found


def _repository_at(here: str) -> RepoPlace | None:
    dot_git = os.path.join(here, ".git")
    if os.path.isfile(dot_git):  # a linked worktree or a submodule
        git_dir = _read_pointer(dot_git, "gitdir: ", here)
        if not git_dir or not _is_git_dir(git_dir):
            raise NotARepositoryError(
                f"{dot_git} names no git directory",
                "`git worktree repair` or `git submodule update --init` may restore it",
            )
        return _place(here, git_dir, is_bare=False)
    if _is_git_dir(dot_git):
        return _place(here, dot_git, is_bare=False)
    if _is_git_dir(here):
        return _place(here, here, is_bare=True)
    return None


def _place(root: str, git_dir: str, is_bare: bool) -> RepoPlace:
    common = _read_pointer(os.path.join(git_dir, "commondir"), "", git_dir) or git_dir
    return RepoPlace(root, os.path.realpath(git_dir), os.path.realpath(common), is_bare)


def _is_git_dir(path: str) -> bool:
    """As git's is_git_directory(): a HEAD, and objects and refs here or in the common directory."""
    if not os.path.lexists(os.path.join(path, "HEAD")):
        return False
    common = _read_pointer(os.path.join(path, "commondir"), "", path) or path
    return os.path.isdir(os.path.join(common, "objects")) and os.path.isdir(os.path.join(common, "refs"))


def read_regular(path: str, most_bytes: int) -> bytes:
    """Return the first *most_bytes* of a file that another user may have put there.

    Raises OSError where it cannot be read, or is no regular file: opening a FIFO would wait for ever.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "no regular file", path)
        return file.read(most_bytes)


def _read_pointer(file: str, prefix: str, base: str) -> str | None:
    """Return the path that the one-line *file* names, made absolute from *base*; None where it names none."""
    try:
        line = os.fsdecode(read_regular(file, 4096).split(b"\n", 1)[0].rstrip(b"\r"))
    except OSError:
        return None
    if not line.startswith(prefix) or line == prefix:
        return None
    return os.path.join(base, line[len(prefix) :])
