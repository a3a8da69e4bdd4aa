"""A repository that lives: random operations of git, from a seed. What must hold after each is not known here."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.moving import git_environment, run_git

_NAMES = ("main", "topic", "release", "fix/one", "fix/two", "team/ann/wip", "team/bob/wip", "team/bob/deep/er")


class RandomHistory:
    """A repository *top*/project with a second clone beside it. `step` makes one operation; equal seeds make equal lives."""

    def __init__(self, top: Path, seed: int) -> None:
        self.path = top / "project"
        self._other = top / "other"
        self._top = top
        self._dice = random.Random(seed)
        self._number = 0
        self._trees: list[Path] = []
        run_git(top, "init", "-q", "-b", "main", "project")
        (self.path / "shared.txt").write_text("shared\n")
        self.commit()
        run_git(top, "clone", "-q", "project", "other")
        run_git(self.path, "remote", "add", "origin", str(self._other))
        self._moves: tuple[Callable[[], None], ...] = (
            *[self.commit] * 6, *[self.amend] * 2, *[self.branch] * 2, self.delete_branch, self.move_branch, self.rename_branch,
            self.merge, self.rebase, self.reset, self.tag, self.delete_tag, *[self.fetch] * 2, self.push, self.stash,
            self.add_worktree, self.commit_in_worktree, self.remove_worktree, self.gc, self.pack_refs, self.cherry_pick,
            self.revert, self.fast_import, self.switch, self.detach, self.orphan, self.forget_most,
        )  # fmt: skip

    def step(self) -> str:
        """Make one operation that git did not refuse, and return its name."""
        while True:
            move = self._dice.choice(self._moves)
            self._number += 1
            try:
                move()
            except AssertionError:  # refused: nothing to revert, a conflict, a branch checked out elsewhere
                self._tidy()
            else:
                return move.__name__

    # --- operations -------------------------------------------------------------------------------------------------

    def commit(self) -> None:
        self._write(self.path)

    def amend(self) -> None:
        self._git("commit", "-q", "--amend", "--allow-empty", "-m", f"Say it better, {self._number}")

    def branch(self) -> None:
        self._git("branch", "-f", self._name(), self._any_commit())

    def delete_branch(self) -> None:
        self._git("branch", "-D", self._any("refs/heads"))

    def move_branch(self) -> None:
        self._git("update-ref", f"refs/heads/{self._any('refs/heads')}", self._any_commit())
        self._git("reset", "-q", "--hard")

    def rename_branch(self) -> None:
        self._git("branch", "-M", self._any("refs/heads"), self._name())

    def merge(self) -> None:
        others = [self._any_commit() for _ in range(self._dice.randint(1, 3))]
        self._git("merge", "-q", "--no-ff", "--allow-unrelated-histories", "-s", "ours", "-m", "Merge", *others)

    def rebase(self) -> None:
        self._git("rebase", "-q", self._any_commit())

    def reset(self) -> None:
        self._git("reset", "-q", "--hard", f"HEAD~{self._dice.randint(1, 3)}")

    def tag(self) -> None:
        options = self._dice.choice(([], ["-a", "-m", "Release"]))
        self._git("tag", "-f", *options, f"v{self._dice.randint(1, 9)}", self._any_commit())

    def delete_tag(self) -> None:
        self._git("tag", "-d", self._any("refs/tags"))

    def fetch(self) -> None:
        """Others commit, rewrite and delete branches; then their state is fetched."""
        if self._dice.random() < 0.3:
            run_git(self._other, "branch", "-D", self._dice.choice(_NAMES))
        else:
            self._import(self._other, f"refs/heads/{self._name()}", "main")
        self._git("fetch", "-q", "--prune", "origin")

    def push(self) -> None:
        self._git("push", "-q", "-f", "origin", f"HEAD:refs/heads/from-here/{self._dice.randint(1, 3)}")

    def stash(self) -> None:
        (self.path / "shared.txt").write_text(f"stashed {self._number}\n")
        self._git("stash", "-q")

    def add_worktree(self) -> None:
        tree = self._top / f"tree{self._number}"
        self._git("worktree", "add", "-q", "--detach", str(tree), self._any_commit())
        self._trees.append(tree)

    def commit_in_worktree(self) -> None:
        assert self._trees
        self._write(self._dice.choice(self._trees))

    def remove_worktree(self) -> None:
        assert self._trees
        tree = self._trees.pop(self._dice.randrange(len(self._trees)))
        self._git("worktree", "remove", "--force", str(tree))

    def gc(self) -> None:
        self._git("reflog", "expire", "--expire=now", "--all")
        self._git("gc", "-q", "--prune=now")

    def pack_refs(self) -> None:
        self._git("pack-refs", "--all", "--prune")

    def cherry_pick(self) -> None:
        self._git("cherry-pick", "--allow-empty", "--keep-redundant-commits", self._any_commit())

    def revert(self) -> None:
        self._git("revert", "--no-edit", self._dice.choice(("HEAD", "HEAD~1", "HEAD~2")))

    def fast_import(self) -> None:
        self._import(self.path, f"refs/heads/imported/{self._dice.randint(1, 4)}", self._any_commit())

    def switch(self) -> None:
        self._git("switch", "-q", self._any("refs/heads"))

    def detach(self) -> None:
        self._git("switch", "-q", "--detach", self._any_commit())

    def orphan(self) -> None:
        """A branch without a past; HEAD points nowhere until its first commit."""
        self._git("switch", "-q", "--orphan", f"orphan/{self._dice.randint(1, 3)}")
        if self._dice.random() < 0.5:
            self._git("commit", "-q", "--allow-empty", "-m", f"Begin anew, {self._number}")

    def forget_most(self) -> None:
        """Most refs go at once, so that a long life's history stays short."""
        gone = [ref for ref in self._refs("refs/heads", "refs/tags", "refs/remotes") if self._dice.random() < 0.7]
        run_git(self.path, "update-ref", "--stdin", stdin="".join(f"delete {ref}\n" for ref in gone))
        self._git("switch", "-q", "--detach")

    # --- inside -----------------------------------------------------------------------------------------------------

    def _git(self, *arguments: str) -> str:
        return run_git(self.path, *arguments)

    def _write(self, tree: Path) -> None:
        (tree / f"{self._number % 50}.txt").write_text(f"{self._number}\n")
        run_git(tree, "add", "-A")
        run_git(tree, "commit", "-q", "-m", f"Say {self._number} because it is time to")

    def _import(self, repo: Path, ref: str, start: str) -> None:
        """Add up to twenty commits to *ref*, from *start* on: what was there before is no longer reached."""
        start = run_git(repo, "rev-parse", f"{start}^{{commit}}")
        commits = [
            f"commit {ref}\ncommitter Bob <bob@example.org> {1_700_000_000 + self._number} +0000\n"
            f"data <<END\nImport {self._number}.{part}\nEND\n" + (f"from {start}\n\n" if not part else "\n")
            for part in range(self._dice.randint(1, 20))
        ]
        run_git(repo, "fast-import", "--quiet", "--force", stdin=f"reset {ref}\n" + "".join(commits))

    def _name(self) -> str:
        return self._dice.choice(_NAMES)

    def _refs(self, *namespaces: str) -> list[str]:
        return self._git("for-each-ref", "--format=%(refname)", *namespaces).splitlines()

    def _any(self, namespace: str) -> str:
        refs = self._refs(namespace)
        assert refs
        return self._dice.choice(refs).removeprefix(f"{namespace}/")

    def _any_commit(self) -> str:
        ref = self._dice.choice(self._refs("refs/heads", "refs/tags", "refs/remotes") or ["HEAD"])
        return f"{ref}~{self._dice.randint(0, 2)}" if self._dice.random() < 0.5 else f"{ref}^0"

    def _tidy(self) -> None:
        """Leave what a refused operation began."""
        for command in (
            ("rebase", "--abort"),
            ("cherry-pick", "--abort"),
            ("revert", "--abort"),
            ("reset", "-q", "--hard"),
        ):
            subprocess.run(["git", *command], cwd=self.path, env=git_environment(), capture_output=True, check=False)
