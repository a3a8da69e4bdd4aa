"""25 operations of git that move refs, and the kinds of repository to make them in: what the watcher's and the whole
daemon's tests, and the benchmark's table, have in common.

Each operation is a shell script in two parts: what it needs, and the move itself. `n` is a number of its own, so that all of
them can be made one after the other in one repository.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PRELUDE = """
commit() { echo "$1" > "$1.txt"; git add "$1.txt"; git commit -q -m "Say $1"; }
elsewhere() { (cd "$OTHER" && git fetch -q && "$@"); }
publish() { git switch -q -C "up$n" "${1:-origin/main}" && commit "$2" && git push -q -f origin "up$n"; }
fast_import() { printf '%s\\n' "commit refs/heads/$1" "committer Ann <ann@example.org> 1700000$n +0000" \
  'data 5' 'Quick' "from $(git rev-parse HEAD)^0" '' done | git fast-import --quiet --done; }
"""
_ENV = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_COUNT": "3",
    "GIT_CONFIG_KEY_0": "protocol.file.allow",
    "GIT_CONFIG_VALUE_0": "always",
    "GIT_CONFIG_KEY_1": "gc.auto",
    "GIT_CONFIG_VALUE_1": "0",
    "GIT_CONFIG_KEY_2": "advice.detachedHead",
    "GIT_CONFIG_VALUE_2": "false",
    "GIT_EDITOR": "true",
    **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
       for key, value in {"NAME": "Ann Author", "EMAIL": "ann@example.org"}.items()},
}  # fmt: skip


@dataclass(frozen=True)
class Move:
    """An operation: what it needs done before, itself, and whether it works on files (in a bare repository, a clone does
    it and pushes)."""

    name: str
    before: str
    run: str
    on_files: bool = False
    push: str = 'HEAD:refs/heads/w"$n"'
    is_pushed_before: bool = True


_OWN = 'git switch -q -c "w$n"; '
MOVES = (
    Move("commit", _OWN, 'commit "c$n"', on_files=True),
    Move("amend", _OWN + 'commit "c$n"', "git commit -q --amend -m Again", on_files=True),
    Move(
        "merge",
        _OWN + 'commit "c$n"; git switch -q -c "side$n" HEAD~1; commit "d$n"; git switch -q "w$n"',
        'git merge -q --no-edit "side$n"',
        on_files=True,
    ),
    Move(
        "rebase",
        'git switch -q -c "base$n"; commit "b$n"; git switch -q -c "w$n" HEAD~1; commit "c$n"',
        'git rebase -q "base$n"',
        on_files=True,
    ),
    Move(
        "squash",
        _OWN + 'commit "c$n"; commit "d$n"',
        'GIT_SEQUENCE_EDITOR="sed -i 2s/pick/squash/" git rebase -q -i HEAD~2',
        on_files=True,
    ),
    Move(
        "cherry-pick",
        'git switch -q -c "side$n"; commit "a$n"; commit "b$n"; git switch -q -c "w$n" HEAD~2',
        'git cherry-pick "side$n"',
        on_files=True,
    ),
    Move("revert", _OWN + 'commit "c$n"', "git revert --no-edit HEAD", on_files=True),
    Move(
        "am",
        _OWN + 'commit "c$n"; git format-patch -q -1 --stdout > "$BESIDE/p$n"; git reset -q --hard HEAD~1',
        'git am -q "$BESIDE/p$n"',
        on_files=True,
    ),
    Move("reset", _OWN + 'commit "c$n"; commit "d$n"', "git reset -q --hard HEAD~1", on_files=True),
    Move("switch", 'git branch "w$n"', 'git switch -q "w$n"', on_files=True, is_pushed_before=False),
    Move("detach", "", 'git switch -q --detach; commit "c$n"', on_files=True),
    Move("branch", "", 'git branch "nested/deep/b$n"'),
    Move("branch -m", 'git branch "old$n"', 'git branch -m "old$n" "nested/new$n"'),
    Move("branch -D", 'fast_import "nested/gone$n"', 'git branch -q -D "nested/gone$n"'),
    Move("fetch", 'elsewhere publish "" "f$n"', "git fetch -q origin"),
    Move(
        "fetch --prune",
        'elsewhere publish "" "f$n"; git fetch -q origin; elsewhere git push -q origin ":up$n"',
        "git fetch -q --prune origin",
    ),
    Move(
        "pull",
        'elsewhere publish "" "f$n"; git fetch -q "$UP" "up$n"; git switch -q -c "w$n" FETCH_HEAD;'
        ' elsewhere publish "origin/up$n" "g$n"',
        'git pull -q --ff-only "$UP" "up$n"',
        on_files=True,
    ),
    Move("push", 'fast_import "pushed$n"', 'git push -q origin "pushed$n"'),
    Move("tag", "", 'git tag -a -m Release "v$n"'),
    Move("tag -d", 'fast_import "t$n"; git tag "v$n" "t$n"; git branch -q -D "t$n"', 'git tag -d "v$n"'),
    Move(
        "stash",
        _OWN + 'commit "c$n"; echo more >> "c$n.txt"',
        "git stash -q",
        on_files=True,
        push='refs/stash:refs/heads/stash"$n"',
        is_pushed_before=False,
    ),
    Move(
        "gc",
        'fast_import "nested/gc$n"; git branch -q -D "nested/gc$n"; git branch "packed$n"',
        "git reflog expire --expire=now --all; git gc -q --prune=now",
    ),
    Move("pack-refs", 'git branch "nested/p$n"', "git pack-refs --all --prune"),
    Move("fast-import", "", 'fast_import "nested/imported$n"'),
    Move(
        "worktree",
        "",
        'git worktree add -q --detach "$BESIDE/tree$n" HEAD; cd "$BESIDE/tree$n"; commit "c$n"',
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """A repository to move refs in. path: what is enrolled and asked. desk: where files are worked on."""

    kind: str
    path: Path
    desk: Path
    beside: Path

    def before(self, move: Move, number: int) -> None:
        """Make what *move* needs."""
        self._run(move, move.before, number)

    def make(self, move: Move, number: int) -> None:
        """Make *move*; *number* as it was for `before`."""
        self._run(move, move.run, number)

    def git(self, *arguments: str) -> str:
        """Run git in the repository and return what it prints."""
        return run_git(self.path, *arguments)

    def _run(self, move: Move, script: str, number: int) -> None:
        is_pushed = move.on_files and self.desk != self.path and (move.is_pushed_before or script == move.run)
        push = f"git push -q -f origin {move.push}" if is_pushed else ""
        script = f"{_PRELUDE}set -e\n{script}\n{push}\n"
        names = {
            "n": str(1000 + number),
            "BESIDE": str(self.beside),
            "OTHER": str(self.beside / "other"),
            "UP": str(self.beside / "up.git"),
        }
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self.desk if move.on_files else self.path,
            env=git_environment() | names,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (self.kind, move.name, done.stdout, done.stderr)


def run_git(directory: Path, *arguments: str, stdin: str = "") -> str:
    """Run git sealed from the machine's configuration and return what it prints."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env=git_environment(),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.strip()


def git_environment() -> dict[str, str]:
    """Return the whole environment of a git that is sealed from the machine's configuration."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **_ENV}


def read_reachable(repo: Path) -> set[str]:
    """Return what git itself says is reachable from HEAD, branches, remote branches, tags and every worktree's HEAD."""
    trees = run_git(repo, "worktree", "list", "--porcelain").splitlines()
    heads = {line.removeprefix("HEAD ") for line in trees if line.startswith("HEAD ")} - {"0" * 40}
    return set(run_git(repo, "rev-list", "--branches", "--remotes", "--tags", *heads).split())


# --- kinds of repository ----------------------------------------------------------------------------------------------


def _make_normal(beside: Path, *options: str) -> Path:
    run_git(beside, "clone", "-q", *options, (beside / "up.git").as_uri(), "project")
    return beside / "project"


def _make_bare(beside: Path) -> Path:
    run_git(beside, "clone", "-q", "--bare", (beside / "up.git").as_uri(), "project.git")
    repo = beside / "project.git"
    run_git(repo, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    run_git(repo, "fetch", "-q")
    return repo


def _make_worktree(beside: Path) -> Path:
    run_git(_make_normal(beside), "worktree", "add", "-q", "-b", "linked", "../linked")
    return beside / "linked"


def _make_submodule(beside: Path) -> Path:
    run_git(beside, "init", "-q", "-b", "main", "super")
    run_git(beside / "super", "submodule", "--quiet", "add", (beside / "up.git").as_uri(), "part")
    run_git(beside / "super", "commit", "-q", "-m", "Add a part")
    return beside / "super" / "part"


KINDS: dict[str, Callable[[Path], Path]] = {
    "normal": _make_normal,
    "bare": _make_bare,
    "worktree": _make_worktree,
    "shallow": lambda beside: _make_normal(beside, "--depth=2", "--no-single-branch"),
    "partial": lambda beside: _make_normal(beside, "--filter=blob:none"),
    "submodule": _make_submodule,
    "reftable": lambda beside: _make_normal(beside, "--ref-format=reftable"),
}


def has_reftable() -> bool:
    """Say whether the git found here can make a reftable repository: since 2.45."""
    done = subprocess.run(["git", "clone", "-h"], capture_output=True, text=True, check=False)
    return "ref-format" in done.stdout  # newer ones write --[no-]ref-format


def make_scene(kind: str, beside: Path) -> Scene:
    """Make a repository of *kind* in *beside*, with an upstream of eight commits and another clone of that."""
    beside.mkdir(parents=True)
    run_git(beside, "init", "-q", "--bare", "-b", "main", "up.git")
    run_git(beside / "up.git", "config", "uploadpack.allowFilter", "true")
    run_git(beside / "up.git", "fast-import", "--quiet", stdin="".join(map(_import_commit, range(8))))
    run_git(beside, "clone", "-q", "up.git", "other")
    path = KINDS[kind](beside)
    if kind != "bare":
        return Scene(kind, path, path, beside)
    run_git(beside, "clone", "-q", "project.git", "desk")
    return Scene(kind, path, beside / "desk", beside)


def _import_commit(number: int) -> str:
    message = f"Say number {number}"
    return (
        f"commit refs/heads/main\ncommitter Ann <ann@example.org> {1_600_000_000 + number} +0000\n"
        f"data {len(message)}\n{message}\nM 100644 inline file{number}.txt\ndata {len(message)}\n{message}\n"
    )
