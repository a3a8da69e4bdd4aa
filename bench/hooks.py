"""What the installed hooks cost git: a commit against one whose hook runs `:`, a rebase against one without hooks.

    python -m bench.hooks [--commits 200] [--rebases 10]

Pairs in turn, on repositories of 1,000 files made here, with a daemon that is up (and has both repositories enrolled),
down, and stopped (SIGSTOP). A rebase runs post-commit for every commit it picks, so ours leaves it out where events work; what
it would cost, ours and one that runs `:`, is told beside. The rebase without hooks is of a repository that is not enrolled.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.running import BIN, Home, prepare_models, sealed_home

from .figures import percentile, seconds, show

FILES, PICKS = 1_000, 100
STATES = ("up", "down", "stopped")


class Project:
    """A repository of 1,000 files, with no hooks at first."""

    def __init__(self, home: Home, name: str) -> None:
        self.path = home.directory / name
        self._env = home.env | {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in (("NAME", "Ann"), ("EMAIL", "ann@example.org"))
        }
        self.git("init", "-q", "-b", "main", "--template=", str(self.path), cwd=home.directory)
        self.git("config", "gc.auto", "0")  # would start in the midst of a later measurement
        for number in range(FILES):
            self._write(number, "text\n" * 20)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Begin")

    def git(self, *arguments: str, cwd: Path | None = None) -> None:
        """Run git, which must succeed."""
        subprocess.run(["git", *arguments], cwd=cwd or self.path, env=self._env, check=True)

    def put_hook(self, event: str, line: str) -> None:
        """Install a hook of one line."""
        hook = self.path / ".git" / "hooks" / event
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{line}\n")
        hook.chmod(0o755)

    def commit_ms(self, number: int) -> float:
        """Change a file; return the milliseconds of the commit."""
        self._write(number % FILES, f"text {number}\n" * 20)
        return 1000 * seconds(lambda: self.git("commit", "-q", "-a", "-m", f"Change {number}"))

    def make_branches(self) -> None:
        """Make `topic`, a branch of 100 commits, and one more commit on main."""
        self.git("checkout", "-q", "-b", "topic")
        for number in range(PICKS):
            self.commit_ms(number)
        self.git("branch", "kept")
        self.git("checkout", "-q", "main")
        self.git("commit", "-q", "--allow-empty", "-m", "Meanwhile")
        self.git("checkout", "-q", "topic")

    def rebase_s(self, settle: Callable[[], None]) -> float:
        """Rebase the branch as it was at first, once the daemon has nothing left to do; return the seconds."""
        self.git("reset", "-q", "--hard", "kept")
        settle()
        return seconds(lambda: self.git("rebase", "-q", "main"))

    def _write(self, number: int, text: str) -> None:
        file = self.path / f"part{number % 20}" / f"file{number}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--rebases", type=int, default=10)
    options = parser.parse_args()
    models = prepare_models()
    for state in STATES if options.commits else ():
        with sealed_home(models) as home:
            compare_commits(home, state, options.commits)
    with sealed_home(models) as home:
        compare_rebases(home, options.rebases)


def compare_commits(home: Home, state: str, commits: int) -> None:
    """Print what a commit costs with ours and with `:`, in pairs."""
    plain, hooked = Project(home, "plain"), Project(home, "hooked")
    plain.put_hook("post-commit", ":")
    install(home, hooked, "--post-commit")
    with daemon(home, state, [plain, hooked]):
        pairs = [(plain.commit_ms(number), hooked.commit_ms(number)) for number in range(commits)]
    theirs, ours = ([pair[at] for pair in pairs] for at in (0, 1))
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        before, after = percentile(theirs, share), percentile(ours, share)
        show(f"git commit with our hooks, daemon {state}, {name}", after, "ms", f"with `:` {before:.2f} ms")
        show("    against `:`", after / before, "x", "<= 1.5")
        show("    more than `:`", after - before, "ms", "<= 10")


def compare_rebases(home: Home, rebases: int) -> None:
    """Print what a rebase of 100 commits costs without us, with our hooks, with post-commit too, and with one that runs `:`."""
    without = Project(home, "without")
    without.make_branches()
    hooked, full, plain = (copy(without, name) for name in ("hooked", "full", "plain"))
    plain.put_hook("post-commit", ":")
    install(home, hooked)
    install(home, full, "--post-commit")
    with daemon(home, "up", [hooked, full, plain]), home.connected() as call:

        def settle() -> None:
            time.sleep(1.0)  # for the events of the reset
            while any(told["phase"] != "idle" for told in call("status")["repos"]):
                time.sleep(0.1)

        rounds = [[project.rebase_s(settle) for project in (without, hooked, full, plain)] for _ in range(rebases)]
    ours, whole, theirs = (statistics.median(one[at] / one[0] for one in rounds) for at in (1, 2, 3))
    show("a rebase of 100 commits, not enrolled and without hooks", statistics.median(one[0] for one in rounds), "s")
    show("    enrolled, with our hooks, against that", ours, "x", "<= 1.5")
    show("    enrolled, with our hooks and post-commit", whole, "x")
    show("    enrolled, with a post-commit that runs `:`", theirs, "x")


def copy(project: Project, name: str) -> Project:
    """Copy a repository with its hooks; its files' times are looked at anew by the first rebase."""
    made = object.__new__(Project)
    made.__dict__ = project.__dict__ | {"path": project.path.parent / name}
    shutil.copytree(project.path, made.path)
    made.git("status", "-s")
    return made


def install(home: Home, project: Project, *options: str) -> None:
    """Install our hooks as a user does."""
    done = home.run(str(BIN / "ail-hook"), "install", *options, str(project.path), env=_sources())
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def daemon(home: Home, state: str, projects: list[Project]) -> Iterator[None]:
    """Have a daemon up or stopped with *projects* enrolled and searchable, or none."""
    if state == "down":
        yield
        return
    with home.daemon(**_sources()) as process:
        with home.connected() as call:
            for project in projects:
                call("repo.add", repo=str(project.path))
            for project in projects:
                call.wait_complete(str(project.path))
        if state == "stopped":
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)


def _sources() -> dict[str, str]:
    """Return what keeps sources that are run without being installed the ones that are measured."""
    return {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}


if __name__ == "__main__":
    main()
