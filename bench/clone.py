"""A real clone with its code: how long `add --wait` takes, and what the index weighs.

python -m bench.clone DIR [--words]        a repository, worktree or bare; --words: without a model, against `git log -p`
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path

from tests.running import NO_WEIGHTS, Home, prepare_models, sealed_home

from .figures import seconds, show
from .history import PATCHES


def main() -> None:
    """Print the figures for the repository named on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repo", type=Path)
    parser.add_argument("--words", action="store_true")
    given = parser.parse_args()
    settings = {"AIL_MODEL": NO_WEIGHTS} if given.words else {}
    with sealed_home(prepare_models()) as home:
        took_s = add(home, given.repo, settings)
    if given.words:
        git_s = seconds(lambda: run_git(given.repo, *PATCHES))
        show("`git log -p -U0` of it", git_s, "s")
        show("  ratio", took_s / git_s, "x", "<= 1.3")


def add(home: Home, repo: Path, settings: dict[str, str]) -> float:
    """Index *repo* by a daemon with *settings*; print what it took, and return the seconds."""
    with home.daemon(**settings), home.connected() as call:
        took_s = seconds(lambda: print(home.client("add", str(repo), "--wait").stderr))
        (told,) = call("status")["repos"]
    index = next((home.state / "repos").iterdir())
    show(f"`add --wait` of {told['commits']} commits", took_s, "s")
    for name, files in (("on disk", index.rglob("*")), ("  of it the word index", index.glob("words/*"))):
        show(name, sum(path.stat().st_size for path in files if path.is_file()) / 1e6, "MB")
    show("  of it the database", sum(path.stat().st_size for path in index.glob("store*")) / 1e6, "MB")
    print(repo.name, told)
    return took_s


def run_git(repo: Path, *words: str) -> None:
    """Run git for the time that it takes; in a partial clone it fetches nothing."""
    environment = os.environ | {"GIT_NO_LAZY_FETCH": "1"}
    subprocess.run(["git", "-C", str(repo), *words], stdout=subprocess.DEVNULL, env=environment)


if __name__ == "__main__":
    main()
